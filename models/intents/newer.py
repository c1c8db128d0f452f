"""Intents of a newer release in the hands of an older worker, while both run (decision 0041)."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from engine.core.action import Action, AnyIntent, Intent
from engine.core.evidence import Evidence
from engine.domains import ANY_ACTION
from models.base.db import Connection, Row, run, sql

log = logging.getLogger(__name__)

# For this long a worker that cannot read an intent leaves it to one that can; then it is a failure.
UPGRADE_MAX = timedelta(hours=1)
LEAVE_SECONDS = 15

_actions = msgspec.json.Decoder[Action](ANY_ACTION)
_evidence = msgspec.json.Decoder(Evidence)

# One attempt stands for any number of them, and makes the user's later intents wait their turn.
LEAVE = sql("""
    UPDATE intents SET attempts = GREATEST(attempts, 1),
                       due_at = CAST(:due_at AS timestamptz), ring_at = CAST(:due_at AS timestamptz)
    WHERE bucket = :bucket AND id = ANY(CAST(:ids AS uuid[]))
""")


async def read_intents(
    connection: Connection, bucket: int, claimed: Sequence[Row], now: datetime
) -> list[AnyIntent]:
    """Those of the claimed rows that this release can read, without what must wait behind others.

    The others are due again a little later, for whoever claims them then. Raise
    msgspec.ValidationError for one that nobody has been able to read for UPGRADE_MAX.
    """
    intents: list[AnyIntent] = []
    left: list[UUID] = []
    waiting: set[int] = set()
    for row in claimed:
        if row.user_id in waiting:
            continue
        try:
            action, evidence = _actions.decode(row.payload), _evidence.decode(row.evidence)
        except msgspec.ValidationError:
            if now - row.recorded_at >= UPGRADE_MAX:
                raise
            left.append(row.id)
            if row.user_id is not None:
                waiting.add(row.user_id)
            continue
        intents.append(
            Intent(bucket, row.id, row.group_number, row.user_id, action, row.recorded_at, evidence)
        )
    if left:
        log.warning("%d intents are left to a newer release: %s", len(left), left[0])
        due_at = now + timedelta(seconds=LEAVE_SECONDS)
        await run(connection, LEAVE, {"bucket": bucket, "ids": left, "due_at": due_at})
    return intents
