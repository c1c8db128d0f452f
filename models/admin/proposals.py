"""What two people must agree on, while it is open: it ends with the standing of who proposed it.

Proposals lie in the buckets of whom they concern. So that none outlives a role, a standing is read
when it is decided and when it is applied (`models.admin.staff`); this ends the rest where they lie.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from engine.admin.four_eyes import Objection, approves
from engine.admin.permissions import Permission
from engine.core.role import Role
from engine.core.timeline import bucket_of
from models.admin.staff import find_objection
from models.base.buckets import buckets_with, newest, rows_of_buckets
from models.base.db import Connection, Database, Row, Statement, connected, rows, run, sql
from models.base.trail import Actor

LIVES = timedelta(days=7)
EXPIRED = "Nobody approved it within a week."
# In which tables they lie, by what is proposed.
OPEN = ("adjustments", "role_proposals")

_LAPSED = """t.status = 'PROPOSED'
          AND (t.expires_at <= :now
               OR NOT EXISTS (SELECT FROM staff s WHERE s.user_id = t.proposer_id AND s.is_active
                              AND s.role = ANY(CAST(:roles AS text[]))
                              AND (s.suspended_until IS NULL OR s.suspended_until <= :now)))
"""
_LAPSE = f"""
        UPDATE {{table}} t
        SET status = 'LAPSED', failure = CASE WHEN t.expires_at <= :now THEN CAST(:expired AS text)
                                              ELSE CAST(:left AS text) END
        WHERE {{bucket}} {_LAPSED}"""
LAPSED = {
    table: sql(f"SELECT FROM {table} t WHERE t.bucket = :bucket AND {_LAPSED}") for table in OPEN
}
LAPSE = {table: sql(_LAPSE.format(table=table, bucket="t.bucket = :bucket AND")) for table in OPEN}
# On every node, for it concerns no user.
LAPSE_PAY = sql(_LAPSE.format(table="pay_proposals", bucket=""))
LAPSE_ONE = {
    table: sql(f"""
        UPDATE {table} SET status = 'LAPSED', failure = :failure
        WHERE bucket = :bucket AND id = :id AND status = 'PROPOSED'
    """)
    for table in OPEN
}


class NotDecidableError(Exception):
    """A proposal cannot be made or decided so; the message says why."""


class NoSuchProposalError(Exception):
    """There is no proposal of that id about that user."""


class Matter(Struct, frozen=True):
    """What two people decide: in which table it lies, and whose right it is.

    `own` is what nobody decides about: "their own wallet".
    """

    table: str
    needed: Permission
    own: str
    lock: Statement
    close: Statement
    page: Statement


def matter_of(table: str, columns: str, needed: Permission, own: str) -> Matter:
    """The matter of a table of proposals, with the statements that all of them have."""
    return Matter(
        table,
        needed,
        own,
        lock=sql(f"SELECT {columns} FROM {table} WHERE bucket = :bucket AND id = :id FOR UPDATE"),
        close=sql(f"""
            UPDATE {table}
            SET status = :status, decider_id = :decider, decided_at = :now, note = :note
            WHERE bucket = :bucket AND id = :id
            RETURNING {columns}
        """),
        page=sql(f"""
            SELECT {columns} FROM {table}
            WHERE bucket = :bucket
              AND (proposed_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
            ORDER BY proposed_at DESC, id DESC LIMIT :limit
        """),
    )


def check_undecided(status: str) -> None:
    """Raise NotDecidableError if it is over."""
    if status != "PROPOSED":
        raise NotDecidableError(f"It is {status.lower()} already.")


def check_age(expires_at: datetime, now: datetime) -> None:
    """Raise NotDecidableError if it is too old to be approved."""
    if now >= expires_at:
        raise NotDecidableError("The proposal is older than a week. Propose it again.")


async def hold_proposal(
    connection: Connection,
    matter: Matter,
    user_id: int,
    proposal_id: UUID,
    actor: Actor,
    now: datetime,
    *,
    is_approved: bool,
) -> tuple[Row, str | None]:
    """Hold a proposal until the transaction ends. Return it, and why it cannot be approved.

    One whose proposer may no longer ends with that, so the caller commits before it says why.
    Raise NoSuchProposalError or NotDecidableError; then nothing changed.
    """
    bucket = bucket_of(user_id)
    found = await rows(connection, matter.lock, {"bucket": bucket, "id": proposal_id})
    if not found or found[0].user_id != user_id:
        raise NoSuchProposalError
    held = found[0]
    check_undecided(held.status)
    if actor.user_id is None or actor.user_id == user_id:
        raise NotDecidableError(f"Nobody decides about {matter.own}.")
    if not is_approved:
        return held, None
    check_age(held.expires_at, now)
    objection = await find_objection(
        connection, held.proposer_id, actor.user_id, matter.needed, now
    )
    if objection is Objection.PROPOSER_LEFT:
        await end_proposal(connection, matter.table, bucket, held)
    return held, objection.value if objection else None


async def close_proposal(
    connection: Connection,
    matter: Matter,
    proposal: Row,
    status: str,
    actor: Actor,
    note: str,
    now: datetime,
) -> Row:
    """Write who decided, how and why. Return the proposal as it is then."""
    params = {"bucket": bucket_of(proposal.user_id), "id": proposal.id, "status": status}
    decision = {"decider": actor.user_id, "note": note, "now": now}
    [closed] = await rows(connection, matter.close, params | decision)
    return closed


async def list_proposed(
    database: Database, matter: Matter, before_at: datetime, before_id: UUID, limit: int
) -> Sequence[Row]:
    """A page, newest first."""
    params = {"before_at": before_at, "before_id": before_id, "limit": limit}
    found = await rows_of_buckets(database, matter.page, params)
    return newest(found, limit, "proposed_at")


async def lapse_proposals(database: Database, now: datetime) -> int:
    """End what is open too long, or proposed by somebody who may no longer. Return how many."""
    ended = 0
    params = {
        "now": now,
        "expired": EXPIRED,
        "left": Objection.PROPOSER_LEFT.value,
        "roles": [role.value for role in Role if approves(role)],
    }
    for table in OPEN:
        for bucket in await buckets_with(database, LAPSED[table], params):
            async with connected(database) as connection:
                ended += await run(connection, LAPSE[table], params | {"bucket": bucket})
    async with connected(database) as connection:
        return ended + await run(connection, LAPSE_PAY, params)


async def end_proposal(connection: Connection, table: str, bucket: int, proposal: Row) -> None:
    """End one whose proposer may no longer."""
    params = {"bucket": bucket, "id": proposal.id, "failure": Objection.PROPOSER_LEFT.value}
    await run(connection, LAPSE_ONE[table], params)
