"""Coins moved by hand: proposed by one, approved by another, applied by a worker (decision 0028).

The table's constraints keep four eyes, whoever writes to it. A debit takes settled coins only: what
a running session has earned so far belongs to its settlement.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from engine.admin.four_eyes import CREDITS_OF_DAY_MICRO_MAX
from engine.admin.permissions import Permission
from engine.core.action import kind_of
from engine.core.piece import Piece
from engine.core.timeline import bucket_of
from engine.core.transfer import CORRECTIONS, Transfer, TransferType, wallet
from engine.ledger.actions import ApplyAdjustment
from engine.ledger.rights import PROMOTION, draw
from models.admin.credits_by_hand import TOO_MUCH, count_credit
from models.admin.proposals import (
    LIVES,
    NotDecidableError,
    close_proposal,
    hold_proposal,
    matter_of,
)
from models.admin.staff import find_objection
from models.base.db import Connection, Database, Row, rows, run, sql, transaction
from models.base.encoding import encode
from models.base.patience import patiently
from models.base.trail import Actor, Entry, log_action
from models.intents.members import LOCK_USERS
from models.intents.queue import LEASE_SECONDS
from models.intents.record import CLOCK_SKEW_MAX
from models.ledger.fold import fold
from models.ledger.post import post, read_holdings
from runtime.clock import new_id

_COLUMNS = """id, user_id, direction, amount_micro, reason, status, proposer_id, proposed_at,
           expires_at, decider_id, decided_at, note, applied_at, failure"""

PROPOSE = sql(f"""
    INSERT INTO adjustments (bucket, id, user_id, direction, amount_micro, reason, status,
                             proposer_id, key, proposed_at, expires_at)
    SELECT u.bucket, CAST(:id AS uuid), u.id, :direction, CAST(:amount AS bigint), :reason,
           'PROPOSED', CAST(:proposer AS bigint), :key, CAST(:now AS timestamptz),
           CAST(:expires_at AS timestamptz)
    FROM users u WHERE u.bucket = :bucket AND u.id = :user_id
    ON CONFLICT (bucket, proposer_id, key) DO NOTHING
    RETURNING {_COLUMNS}
""")
BY_KEY = sql(f"""
    SELECT {_COLUMNS} FROM adjustments
    WHERE bucket = :bucket AND proposer_id = :proposer AND key = :key
""")
RECORD_APPLY = sql("""
    INSERT INTO intents (bucket, id, group_number, kind, origin, key, body_hash, payload, evidence,
                         recorded_at, due_at, ring_at, attempts, status)
    SELECT u.bucket, CAST(:id AS uuid), u.group_number, :kind, 'adjustment', :key, '',
           CAST(:payload AS jsonb), '{}', CAST(:now AS timestamptz), CAST(:due_at AS timestamptz),
           CAST(:ring_at AS timestamptz), 0, 'RECORDED'
    FROM users u WHERE u.bucket = :bucket AND u.id = :user_id
    RETURNING group_number
""")
FINISH = sql("""
    UPDATE adjustments SET status = :status, applied_at = :applied_at, failure = :failure
    WHERE bucket = :bucket AND id = :id
""")
MATTER = matter_of("adjustments", _COLUMNS, Permission.ADJUSTMENTS_DECIDE, "their own wallet")


class Proposal(Struct, frozen=True):
    """What is proposed: `direction` is CREDIT or DEBIT of a user's wallet."""

    user_id: int
    direction: str
    amount_micro: int
    reason: str
    key: str


async def propose(
    database: Database, actor: Actor, proposal: Proposal, now: datetime
) -> Row | None:
    """Keep a proposal; the same key gives the same one again. None if there is no such user.

    Raise NotDecidableError if it is for the actor's own wallet, or the key was another proposal's.
    """
    if actor.user_id is None or actor.user_id == proposal.user_id:
        raise NotDecidableError("Nobody adjusts their own wallet.")
    if proposal.direction == "CREDIT" and proposal.amount_micro > CREDITS_OF_DAY_MICRO_MAX:
        raise NotDecidableError(TOO_MUCH)
    bucket = bucket_of(proposal.user_id)
    params: dict[str, Any] = {
        "bucket": bucket,
        "id": new_id(now),
        "user_id": proposal.user_id,
        "direction": proposal.direction,
        "amount": proposal.amount_micro,
        "reason": proposal.reason,
        "proposer": actor.user_id,
        "key": proposal.key,
        "now": now,
        "expires_at": now + LIVES,
    }
    async with transaction(database) as connection:
        added = await rows(connection, PROPOSE, params)
        if added:
            facts = {"id": added[0].id, "direction": proposal.direction}
            facts |= {"amount_micro": proposal.amount_micro}
            action = Entry(
                "adjustment.propose", "user", str(proposal.user_id), {}, facts, proposal.reason
            )
            await log_action(connection, actor, action, now)
            return added[0]
        known = {"bucket": bucket, "proposer": actor.user_id, "key": proposal.key}
        found = await rows(connection, BY_KEY, known)
    if not found:
        return None
    same = (found[0].user_id, found[0].direction, found[0].amount_micro, found[0].reason)
    if same != (proposal.user_id, proposal.direction, proposal.amount_micro, proposal.reason):
        raise NotDecidableError("This key was used for another proposal. Send a new one.")
    return found[0]


async def decide_adjustment(
    database: Database,
    actor: Actor,
    user_id: int,
    adjustment_id: UUID,
    *,
    is_approved: bool,
    note: str,
    now: datetime,
) -> tuple[Row, Piece | None]:
    """Approve or reject; an approval records the intent that applies it, to be rung for.

    Raise NoSuchProposalError or NotDecidableError; then nothing moves.
    """

    async def step(connection: Connection) -> tuple[Row, Piece | None] | str:
        found, objection = await hold_proposal(
            connection, MATTER, user_id, adjustment_id, actor, now, is_approved=is_approved
        )
        is_credit = is_approved and objection is None and found.direction == "CREDIT"
        if is_credit and not await count_credit(connection, found.amount_micro, now):
            objection = TOO_MUCH
        if objection is not None:
            return objection
        return await _decide(connection, found, actor, note, now, is_approved)

    # The staff and the day's sum lie on every node of a cluster: approvals at once may collide.
    decided = await patiently(database, step)
    if isinstance(decided, str):
        raise NotDecidableError(decided)
    return decided


async def _decide(
    connection: Connection,
    found: Row,
    actor: Actor,
    note: str,
    now: datetime,
    is_approved: bool,
) -> tuple[Row, Piece | None]:
    status = "APPROVED" if is_approved else "REJECTED"
    decided = await close_proposal(connection, MATTER, found, status, actor, note, now)
    name = "adjustment.approve" if is_approved else "adjustment.reject"
    action = Entry(name, "user", str(found.user_id), {}, {"id": found.id}, note)
    await log_action(connection, actor, action, now)
    if not is_approved:
        return decided, None
    bucket = bucket_of(found.user_id)
    [recorded] = await rows(connection, RECORD_APPLY, _intent(bucket, found.user_id, found.id, now))
    return decided, Piece(recorded.group_number, bucket)


def _intent(bucket: int, user_id: int, adjustment_id: UUID, now: datetime) -> dict[str, Any]:
    action = ApplyAdjustment(adjustment_id)
    return {
        "bucket": bucket,
        "id": new_id(now),
        "user_id": user_id,
        "kind": kind_of(action),
        "key": str(adjustment_id),
        "payload": encode(action),
        "now": now,
        "due_at": now - CLOCK_SKEW_MAX,
        "ring_at": now + timedelta(seconds=LEASE_SECONDS),
    }


async def apply_adjustment(
    connection: Connection, bucket: int, adjustment_id: UUID, now: datetime
) -> Row | None:
    """Move the coins of an approved adjustment, once. None if it was done already.

    One that the wallet cannot bear, or that two people no longer stand by, becomes REFUSED; nothing
    moves.
    """
    found = await rows(connection, MATTER.lock, {"bucket": bucket, "id": adjustment_id})
    if not found or found[0].status != "APPROVED":
        return None
    of = found[0]
    # As every other way to a wallet: the user first.
    await rows(connection, LOCK_USERS, {"bucket": bucket, "users": [of.user_id]})
    objection = await find_objection(
        connection, of.proposer_id, of.decider_id, Permission.ADJUSTMENTS_DECIDE, now
    )
    if objection is not None:
        end: dict[str, Any] = {"status": "REFUSED", "applied_at": None, "failure": objection.value}
    elif transfers := await _transfers(connection, bucket, of, now):
        await post(connection, bucket, transfers, now)
        end = {"status": "APPLIED", "applied_at": now, "failure": None}
    else:
        failure = "The wallet does not hold so many settled coins."
        end = {"status": "REFUSED", "applied_at": None, "failure": failure}
    await run(connection, FINISH, {"bucket": bucket, "id": adjustment_id} | end)
    return (await rows(connection, MATTER.lock, {"bucket": bucket, "id": adjustment_id}))[0]


async def _transfers(
    connection: Connection, bucket: int, of: Row, now: datetime
) -> list[Transfer] | None:
    """What a correction moves: a credit is promotion; a debit takes the most restricted first."""
    corrections, theirs = CORRECTIONS, wallet(of.user_id)
    parts: list[tuple[str, int]] | None = [(PROMOTION, of.amount_micro)]
    is_credit = of.direction == "CREDIT"
    if not is_credit:
        await fold(connection, bucket, [of.user_id])
        held = await read_holdings(connection, bucket, [of.user_id])
        parts = draw(held[of.user_id], of.amount_micro)
    if parts is None:
        return None
    return [
        Transfer(
            source=corrections if is_credit else theirs,
            target=theirs if is_credit else corrections,
            amount_micro=amount_micro,
            reference=f"adjustment:{of.id}",
            funding=funding,
            type=TransferType.ADJUSTMENT,
            description="Correction",
            metadata={},
            at=now,
            part=part,
        )
        for part, (funding, amount_micro) in enumerate(parts)
    ]
