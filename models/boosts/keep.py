"""Boosts for the rules."""

from collections.abc import Collection
from datetime import timedelta

from msgspec.structs import asdict

from engine.ads.actions import StartView
from engine.boosts.actions import BoostAction, StartBoost
from engine.boosts.state import OPEN_BOOST_STATUSES, Boost, BoostStatus
from engine.core.timeline import utc_day
from models.base import arrays
from models.base.db import rows, sql
from models.boosts.tables import boosts
from models.intents.batch import Batch, Keep

_BOOST_TYPES = arrays.types_of(boosts, Boost.__struct_fields__)
# Of the days in question, whatever is still open, and what was asked of the videos to be begun.
LOAD_BOOSTS = sql(f"""
    SELECT {", ".join(_BOOST_TYPES)} FROM boosts
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[]))
      AND (day >= :first_day OR status IN ('WATCHING', 'WATCHED', 'ASKED')
           OR (video_id = ANY(CAST(:videos AS text[])) AND asked_at IS NOT NULL))
""")

STORE_BOOSTS = arrays.insert(
    "boosts",
    _BOOST_TYPES,
    updated=[
        "status",
        "watched_at",
        "asked_at",
        "answered_at",
        "answer",
        "is_correct",
        "slot",
        "failed_at",
        "failure",
    ],
)


async def load_boosts(batch: Batch) -> None:
    """Load the members' boosts of these days, and all in which a video's questions were put that is
    begun now. An ad that begins to play gives up a boost."""
    boosting = [i for i in batch.intents if isinstance(i.action, (BoostAction, StartView))]
    if not boosting:
        return
    params = {
        "bucket": batch.bucket,
        "users": batch.users,
        # An answer after midnight belongs to the day before, with the boosts paid then.
        "first_day": min(utc_day(intent.recorded_at) for intent in boosting) - timedelta(days=1),
        "videos": sorted({i.action.video_id for i in boosting if isinstance(i.action, StartBoost)}),
    }
    for row in await rows(batch.connection, LOAD_BOOSTS, params):
        boost = Boost(**{**row, "status": BoostStatus(row.status)})
        batch.people[boost.user_id].put(boost)


async def store_boosts(batch: Batch, boosts: list[Boost]) -> Collection[int]:
    """Write what the rules changed."""
    # What is over first: it makes room for its successor under the unique keys.
    ordered = sorted(boosts, key=lambda b: (b.status in OPEN_BOOST_STATUSES, b.id))
    items = [asdict(boost) for boost in ordered]
    await arrays.store(batch.connection, STORE_BOOSTS, batch.bucket, items, _BOOST_TYPES)
    return {boost.user_id for boost in boosts}


KEEPS = (Keep(Boost, store_boosts, load_boosts),)
