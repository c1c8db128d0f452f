"""What two people must agree on, while it is open: it ends with the standing of who proposed it.

Proposals lie in the buckets of whom they concern. So that none outlives a role, a standing is read
when it is decided and when it is applied (`models.staff`); this ends the rest where they lie.
"""

from datetime import datetime, timedelta

from engine.four_eyes import Objection, approves
from engine.permissions import Role
from engine.timeline import BUCKET_COUNT
from models.db import Connection, Database, Row, connected, run, sql

LIVES = timedelta(days=7)
EXPIRED = "Nobody approved it within a week."
# In which tables they lie, by what is proposed.
OPEN = ("adjustments", "role_proposals")

LAPSE = {
    table: sql(f"""
        UPDATE {table} t
        SET status = 'LAPSED', failure = CASE WHEN t.expires_at <= :now THEN CAST(:expired AS text)
                                              ELSE CAST(:left AS text) END
        WHERE t.bucket = :bucket AND t.status = 'PROPOSED'
          AND (t.expires_at <= :now
               OR NOT EXISTS (SELECT FROM staff s WHERE s.user_id = t.proposer_id AND s.is_active
                              AND s.role = ANY(CAST(:roles AS text[]))))
    """)
    for table in OPEN
}
LAPSE_ONE = {
    table: sql(f"""
        UPDATE {table} SET status = 'LAPSED', failure = :failure
        WHERE bucket = :bucket AND id = :id AND status = 'PROPOSED'
    """)
    for table in OPEN
}


class NotDecidableError(Exception):
    """A proposal cannot be made or decided so; the message says why."""


async def lapse_proposals(database: Database, now: datetime) -> int:
    """End what is open too long, or proposed by somebody who may no longer. Return how many."""
    ended = 0
    params = {
        "now": now,
        "expired": EXPIRED,
        "left": Objection.PROPOSER_LEFT.value,
        "roles": [role.value for role in Role if approves(role)],
    }
    for bucket in range(BUCKET_COUNT):
        for statement in LAPSE.values():
            async with connected(database) as connection:
                ended += await run(connection, statement, params | {"bucket": bucket})
    return ended


async def end_proposal(connection: Connection, table: str, bucket: int, proposal: Row) -> None:
    """End one whose proposer may no longer."""
    params = {"bucket": bucket, "id": proposal.id, "failure": Objection.PROPOSER_LEFT.value}
    await run(connection, LAPSE_ONE[table], params)
