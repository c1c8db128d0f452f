"""Draining a piece: claim, load, decide, store, complete: one transaction, one bucket.

The more is waiting, the larger the batch. A batch that raises is retried one intent at a time, so
that a poison intent fails alone (decision 0008).
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from engine.ads import AdView
from engine.decide import decide
from engine.intents import (
    Applied,
    CompleteView,
    ConfirmView,
    CreditMining,
    FailView,
    Intent,
    Outcome,
    Reason,
    Rejected,
    SettleMining,
    StartMining,
    StartView,
)
from engine.money import BASE_REWARD_MICRO
from engine.session import Decision, House, LogEntry, Member, Session
from engine.timeline import UPKEEP_GROUP
from models import credit, members
from models.clock import utcnow
from models.db import Connection, is_retryable, transaction
from models.queue import BATCH_SIZE, Piece, claim, complete, due_ids, record_failure
from models.settings import load_ads
from workers.upkeep import drain_upkeep
from workers.workshop import Workshop

log = logging.getLogger(__name__)

VIEW_ACTIONS = (StartView, CompleteView, FailView, ConfirmView)


class Effects(Struct):
    """What a batch has decided so far; later intents of the batch see it."""

    outcomes: list[tuple[Intent, Outcome]]
    sessions: dict[UUID, Session]
    views: dict[UUID, AdView]
    credits_micro: dict[int, int]
    logs: list[tuple[LogEntry, members.Evidence]]


async def drain(shop: Workshop, piece: Piece) -> int:
    """Apply all due intents of a piece. Return how many were completed.

    Raise a database error only if it is one that passes: the bell is then rung again.
    """
    if piece.group_number == UPKEEP_GROUP:
        return await drain_upkeep(shop, piece)
    done = 0
    while True:
        try:
            count = await apply_batch(shop, piece, BATCH_SIZE)
        except Exception as error:
            if is_retryable(error):
                raise
            log.exception("a batch of %s failed: applying its intents one by one", piece)
            count = await _apply_singly(shop, piece)
        done += count
        if count < BATCH_SIZE:
            return done


async def _apply_singly(shop: Workshop, piece: Piece) -> int:
    ids = await due_ids(shop.database, piece, utcnow(), BATCH_SIZE)
    done = 0
    for intent_id in ids:
        try:
            done += await apply_batch(shop, piece, 1, only=intent_id)
        except Exception as error:
            if is_retryable(error):
                raise
            status = await record_failure(
                shop.database, piece.bucket, intent_id, _describe(error), utcnow()
            )
            log.exception("intent %s failed and is now %s", intent_id, status)
    return done


async def apply_batch(shop: Workshop, piece: Piece, limit: int, only: UUID | None = None) -> int:
    """Apply up to `limit` due intents of a piece, or one of them. Return how many."""
    now = utcnow()
    async with transaction(shop.database) as connection:
        credited_through = await credit.lock_piece(connection, piece)
        claimed = await claim(connection, piece, now, limit, only)
        if not claimed:
            return 0
        house = House(
            table=shop.installation.table,
            ads=await load_ads(connection) if _serves_ads(claimed) else (),
            reward_micro=BASE_REWARD_MICRO,
            credited_through=credited_through,
        )
        effects = await _decide_all(connection, piece, claimed, house)
        await members.store_members(
            connection,
            piece.bucket,
            effects.sessions.values(),
            effects.views.values(),
            effects.credits_micro,
            now,
        )
        await members.store_logs(connection, piece.bucket, effects.logs)
        changed = {s.user_id for s in effects.sessions.values()}
        changed |= {v.user_id for v in effects.views.values()}
        changed |= await _run_ticks(
            connection, piece, claimed, house, effects, now, singly=only is not None
        )
        await complete(connection, piece, effects.outcomes, now)
        versions = await members.raise_versions(connection, piece.bucket, changed)
        await shop.copies.mark_changing(versions)
    await shop.copies.refresh(shop.database, piece.bucket, changed)
    return len(claimed)


async def _decide_all(
    connection: Connection, piece: Piece, claimed: Sequence[Intent], house: House
) -> Effects:
    """Decide the members' intents in the order of their recording."""
    effects = Effects([], {}, {}, {}, [])
    wishes = [intent for intent in claimed if intent.user_id is not None]
    if not wishes:
        return effects
    people = await members.load_members(
        connection,
        piece.bucket,
        {intent.user_id for intent in wishes if intent.user_id is not None},
        [i.action.view_id for i in wishes if isinstance(i.action, VIEW_ACTIONS)],
        since=min(intent.recorded_at for intent in wishes),
    )
    for intent in wishes:
        assert intent.user_id is not None
        member = people.get(intent.user_id)
        if member is None:
            gone = Rejected(Reason.ACCOUNT_DISABLED, "This account no longer exists.")
            effects.outcomes.append((intent, gone))
            continue
        decision = decide(member, intent, house)
        _absorb(effects, member, intent, decision)
    return effects


def _absorb(effects: Effects, member: Member, intent: Intent, decision: Decision) -> None:
    effects.outcomes.append((intent, decision.outcome))
    for session in decision.sessions:
        member.sessions[session.id] = effects.sessions[session.id] = session
    for view in decision.views:
        member.views[view.id] = effects.views[view.id] = view
    if decision.credit_micro:
        before = effects.credits_micro.get(member.user_id, 0)
        effects.credits_micro[member.user_id] = before + decision.credit_micro
    evidence = members.Evidence(
        intent.evidence.get("ip"), intent.evidence.get("user_agent"), intent.recorded_at
    )
    effects.logs += [(entry, evidence) for entry in decision.logs]


async def _run_ticks(
    connection: Connection,
    piece: Piece,
    claimed: Sequence[Intent],
    house: House,
    effects: Effects,
    now: datetime,
    *,
    singly: bool,
) -> set[int]:
    """Run the batch's credit ticks and settlements in order. Return users to show anew."""
    changed: set[int] = set()
    through = house.credited_through
    for intent in claimed:
        match intent.action:
            case CreditMining(boundary):
                wallets = await credit.credit(connection, piece, through, boundary, now)
                through = max(through, boundary)
                effects.outcomes.append((intent, Applied({"wallets": wallets})))
            case SettleMining(boundary):
                settled = await credit.settle(
                    connection, piece, through, boundary, now, singly=singly
                )
                changed.update(settled.paid, settled.expired)
                result = {"settled": len(settled.paid), "expired": len(settled.expired)}
                effects.outcomes.append((intent, Applied(result)))
            case _:
                continue
    return changed


def _serves_ads(claimed: Sequence[Intent]) -> bool:
    return any(isinstance(intent.action, StartMining | FailView) for intent in claimed)


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
