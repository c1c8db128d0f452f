"""Ad views for the rules."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from operator import itemgetter
from uuid import UUID

from msgspec.structs import asdict

from engine.ads.actions import ViewAction
from engine.ads.state import AdView, Proof, Purpose, ViewStatus
from engine.mining.state import Sessions, SessionStatus
from models.ads.tables import ad_views
from models.base import arrays
from models.base.db import Row, rows, sql
from models.intents.batch import Batch, Keep

# An ad is begun within its proof time, and lasts ten minutes at most.
WATCHED_WITHIN = timedelta(hours=1)

_VIEW_TYPES = arrays.types_of(ad_views, AdView.__struct_fields__)
_VIEW_COLUMNS = ", ".join(_VIEW_TYPES)
LOAD_VIEWS = sql(f"""
    SELECT {_VIEW_COLUMNS} FROM ad_views
    WHERE bucket = :bucket AND (session_id = ANY(CAST(:sessions AS uuid[]))
                                OR id = ANY(CAST(:views AS uuid[])))
""")
LOAD_RECENT_VIEWS = sql(f"""
    SELECT {_VIEW_COLUMNS} FROM ad_views
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[])) AND served_at > :since
""")

STORE_VIEWS = arrays.insert(
    "ad_views",
    _VIEW_TYPES,
    updated=[
        "status",
        "started_at",
        "completed_at",
        "confirmed_at",
        "verified_at",
        "failed_at",
        "failure",
        "event_id",
    ],
)


def named_views(batch: Batch) -> set[UUID]:
    """The views that intents are about."""
    return {i.action.view_id for i in batch.intents if isinstance(i.action, ViewAction)}


async def load_views(batch: Batch) -> None:
    """Load the ads that intents are about, those of sessions that await one, and those that may be
    watched at the same time as what is begun, or were proved unbegun."""
    pending = [
        session.id
        for member in batch.people.values()
        for session in member.of(Sessions).values()
        if session.status is SessionStatus.PENDING
    ]
    await load_named(batch, sorted(named_views(batch)), pending)
    watching = [intent for intent in batch.intents if intent.action.is_watch]
    users = batch.people.keys() & {intent.user_id for intent in watching}
    if users:
        since = min(intent.recorded_at for intent in watching) - WATCHED_WITHIN
        params = {"bucket": batch.bucket, "users": sorted(users), "since": since}
        _add(batch, await rows(batch.connection, LOAD_RECENT_VIEWS, params))


async def load_named(
    batch: Batch, view_ids: Sequence[UUID], session_ids: Sequence[UUID] = ()
) -> None:
    """Load ads by themselves or by their session. What is nobody's of the batch is left out."""
    if view_ids or session_ids:
        params = {"bucket": batch.bucket, "sessions": session_ids, "views": view_ids}
        _add(batch, await rows(batch.connection, LOAD_VIEWS, params))


def _add(batch: Batch, found: Sequence[Row]) -> None:
    for row in found:
        known = {
            "status": ViewStatus(row.status),
            "proof": Proof(row.proof),
            "purpose": Purpose(row.purpose),
        }
        view = AdView(**{**row, **known})
        if view.user_id in batch.people:
            batch.people[view.user_id].put(view)


async def store_views(batch: Batch, views: list[AdView]) -> Collection[int]:
    """Write what the rules changed."""
    items = sorted(map(asdict, views), key=itemgetter("id"))
    await arrays.store(batch.connection, STORE_VIEWS, batch.bucket, items, _VIEW_TYPES)
    return {view.user_id for view in views}


KEEPS = (Keep(AdView, store_views, load_views),)
