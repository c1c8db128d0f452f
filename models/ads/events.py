"""Events of ad networks, each claimed for one view before anything is recorded (decision 0046).

An event is unique over all users: it has a table keyed by itself. The claim says for which view it
was; whoever comes with it again is for the same view, or is refused. So a process that dies between
the claim and the intent leaves nothing that a repeat of the callback could not finish.
"""

from datetime import datetime, timedelta
from uuid import UUID

from engine.core.decision import LogEntry
from engine.core.evidence import Evidence
from engine.core.timeline import bucket_of
from models.base.db import Database, connected, rows, sql, transaction
from models.base.logs import store_logs
from models.base.pruning import prune_rows

# Longer than any network's callback is accepted or repeated (LevelPlay's: eight days).
KEPT = timedelta(days=30)

CLAIM = sql("""
    INSERT INTO ad_events (network, event_id, view_id, claimed_at)
    VALUES (:network, :event_id, :view_id, :now)
    ON CONFLICT (network, event_id) DO NOTHING RETURNING view_id
""")
CLAIMED = sql("""
    SELECT view_id FROM ad_events WHERE network = :network AND event_id = :event_id
""")
OF_USER = sql("""
    SELECT id FROM ad_views WHERE bucket = :bucket AND id = :view_id AND user_id = :user_id
""")
PRUNE = sql("""
    DELETE FROM ad_events WHERE claimed_at < :before AND event_id = ANY(ARRAY(
        SELECT event_id FROM ad_events WHERE claimed_at < :before
        ORDER BY claimed_at LIMIT :limit))
""")


async def claim_event(
    database: Database, network: str, event_id: str, view_id: UUID, now: datetime
) -> UUID:
    """Claim an event for a view. Return the view that it is for: this one, or an earlier one's."""
    params = {"network": network, "event_id": event_id, "view_id": view_id, "now": now}
    async with connected(database) as connection:
        for statement in (CLAIM, CLAIMED, CLAIM):  # it may be pruned in between
            found = await rows(connection, statement, params)
            if found:
                claimed: UUID = found[0].view_id
                return claimed
    return view_id


async def suspect_event(
    database: Database,
    user_id: int,
    details: dict[str, object],
    view_id: UUID,
    evidence: Evidence,
    now: datetime,
) -> None:
    """Keep that a network's event came again for another view, if that view is the user's."""
    bucket = bucket_of(user_id)
    async with transaction(database) as connection:
        if await rows(
            connection, OF_USER, {"bucket": bucket, "view_id": view_id, "user_id": user_id}
        ):
            entry = LogEntry(user_id, "EVENT_REUSED", "view", view_id, details, "HIGH")
            await store_logs(connection, bucket, [(entry, evidence, now)])


async def prune_events(database: Database, now: datetime) -> int:
    """Forget the events that no network repeats any more. Return how many."""
    return await prune_rows(database, PRUNE, now - KEPT)
