"""Draining a bucket: claim, load, decide, store, complete: one transaction.

The more is waiting, the larger the batch: whichever group was rung for, all that is due in its
bucket goes along. A batch that raises is retried one intent at a time, so that a poison intent
fails alone (decision 0008).
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from engine.action import AnyIntent
from engine.ads import AdView
from engine.boost import Boost
from engine.daily import TaskState
from engine.decide import decide
from engine.decision import Achievement, Decision, House, LogEntry, Member, Note, Payment
from engine.outcome import Outcome, Reason, Rejected
from engine.piece import Piece
from engine.session import Session
from engine.timeline import PUSH_GROUP, UPKEEP_GROUP
from models import credit, earnings, members
from models.db import Connection, is_retryable, transaction
from models.inventory import give_back
from models.logs import Logged, store_logs
from models.notes import store_notes
from models.queue import BATCH_SIZE, claim, complete, due_ids, record_failure
from runtime.broker.bells import queue_name
from runtime.clock import utcnow
from runtime.telemetry import traces
from runtime.telemetry.context import about
from workers.accounting import account_for, account_for_failure, note_intent
from workers.gather import furnish, gather_members, with_room
from workers.judge import Bench, close_bench, examine, open_bench
from workers.push.send import send_pushes
from workers.ticks import TICKS, Sweep
from workers.upkeep import drain_upkeep
from workers.workshop import Workshop

log = logging.getLogger(__name__)


class Effects(Struct):
    """What a batch has decided so far; later intents of the batch see it."""

    outcomes: list[tuple[AnyIntent, Outcome]] = []
    sessions: dict[UUID, Session] = {}
    views: dict[UUID, AdView] = {}
    boosts: dict[UUID, Boost] = {}
    tasks: dict[tuple[int, date, int], TaskState] = {}
    credits_micro: dict[int, int] = {}
    payments: list[Payment] = []
    notes: list[Note] = []
    achievements: list[Achievement] = []
    logs: list[Logged] = []
    bench: Bench | None = None
    unused: dict[int, int] = {}  # requests of capped ad units that served nobody

    def changed_users(self) -> set[int]:
        """Whose snapshot has changed."""
        changed = (self.sessions, self.views, self.boosts)
        users = {item.user_id for items in changed for item in items.values()}
        return users | {payment.user_id for payment in self.payments}


async def drain(shop: Workshop, piece: Piece) -> int:
    """Apply all due intents of a piece's bucket. Return how many were completed.

    Raise a database error only if it is one that passes: the bell is then rung again.
    """
    if piece.group_number == UPKEEP_GROUP:
        return await drain_upkeep(shop, piece)
    if piece.group_number == PUSH_GROUP:
        return await send_pushes(shop, piece.bucket)
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
        with about(intent_id=intent_id) as notes:
            try:
                done += await apply_batch(shop, piece, 1, only=intent_id)
            except Exception as error:
                if is_retryable(error):
                    raise
                status = await record_failure(
                    shop.database, piece.bucket, intent_id, _describe(error), utcnow()
                )
                account_for_failure(notes, status)
                log.exception("intent %s failed and is now %s", intent_id, status)
    return done


async def apply_batch(shop: Workshop, piece: Piece, limit: int, only: UUID | None = None) -> int:
    """Apply up to `limit` due intents of a piece's bucket, or one of them. Return how many."""
    with traces.batch(queue_name(piece.group_number)) as span:
        effects = await _commit_batch(shop, piece.bucket, limit, only)
        account_for(effects.outcomes, effects.payments)
        if span is not None:
            span.done(effects.outcomes)
    return len(effects.outcomes)


async def _commit_batch(shop: Workshop, bucket: int, limit: int, only: UUID | None) -> Effects:
    now = utcnow()
    async with transaction(shop.database) as connection:
        credited_through = await credit.lock_bucket(connection, bucket)
        claimed = await claim(connection, bucket, now, limit, only)
        if not claimed:
            return Effects()
        if only is not None:
            note_intent(claimed[0])
        effects = await _decide_all(shop, connection, bucket, claimed, credited_through, now)
        await _store(connection, bucket, effects, now)
        changed = effects.changed_users()
        if effects.bench is not None:
            changed |= await close_bench(connection, bucket, effects.bench, now)
        table, singly = shop.installation.table, only is not None
        sweep = Sweep(connection, bucket, table, credited_through, now, singly)
        changed |= await _run_ticks(claimed, sweep, effects)
        await complete(connection, bucket, effects.outcomes, now)
        versions = await members.raise_versions(connection, bucket, changed)
        await shop.copies.mark_changing(versions)
    await shop.copies.refresh(shop.database, bucket, changed)
    await give_back(shop.database, effects.unused, now)
    return effects


async def _decide_all(
    shop: Workshop,
    connection: Connection,
    bucket: int,
    claimed: Sequence[AnyIntent],
    credited_through: Mapping[int, datetime],
    now: datetime,
) -> Effects:
    """Decide the members' intents in the order of their recording."""
    effects = Effects()
    wishes = [intent for intent in claimed if intent.user_id is not None]
    if not wishes:
        return effects
    people = await gather_members(connection, bucket, wishes)
    effects.bench = bench = await open_bench(connection, bucket, wishes)
    await shop.reputation.read_anew(connection)
    house, effects.unused = await furnish(shop, connection, wishes, people, credited_through, now)
    for intent in wishes:
        assert intent.user_id is not None
        member = people.get(intent.user_id)
        if member is None:
            gone = Rejected(Reason.ACCOUNT_DISABLED, "This account no longer exists.")
            effects.outcomes.append((intent, gone))
            continue
        decision = decide(member, intent, house)
        _absorb(effects, member, intent, decision, examine(shop, bench, intent, decision))
        house = _count_requests(effects, intent, decision, house)
    return effects


def _absorb(
    effects: Effects,
    member: Member,
    intent: AnyIntent,
    decision: Decision,
    suspicions: Sequence[LogEntry],
) -> None:
    effects.outcomes.append((intent, decision.outcome))
    for session in decision.sessions:
        member.sessions[session.id] = effects.sessions[session.id] = session
    for view in decision.views:
        member.views[view.id] = effects.views[view.id] = view
    for boost in decision.boosts:
        member.boosts[boost.id] = effects.boosts[boost.id] = boost
    for state in decision.tasks:
        member.tasks[state.day, state.number] = state
        effects.tasks[state.user_id, state.day, state.number] = state
    if decision.credit_micro:
        before = effects.credits_micro.get(member.user_id, 0)
        effects.credits_micro[member.user_id] = before + decision.credit_micro
    effects.payments += decision.payments
    effects.notes += decision.notes
    effects.achievements += decision.achievements
    where, at = intent.evidence, intent.recorded_at
    effects.logs += [(entry, where, at) for entry in (*decision.logs, *suspicions)]


def _count_requests(effects: Effects, intent: AnyIntent, decision: Decision, house: House) -> House:
    """Take what was served from its unit's requests; a unit without any more is full."""
    for view in decision.views:
        if view.id == intent.id and view.ad_id in effects.unused:
            effects.unused[view.ad_id] -= 1
            house = with_room(house, effects.unused)
    return house


async def _store(connection: Connection, bucket: int, effects: Effects, now: datetime) -> None:
    await members.store_members(
        connection,
        bucket,
        effects.sessions.values(),
        effects.views.values(),
        effects.credits_micro,
        now,
    )
    await earnings.store_earnings(
        connection, bucket, effects.boosts.values(), effects.tasks.values()
    )
    await earnings.store_payments(connection, bucket, effects.payments, effects.achievements, now)
    await store_notes(connection, bucket, effects.notes)
    await store_logs(connection, bucket, effects.logs)


async def _run_ticks(claimed: Sequence[AnyIntent], sweep: Sweep, effects: Effects) -> set[int]:
    """Do the batch's work for whole pieces, in order. Return users to show anew."""
    for intent in claimed:
        if tick := TICKS.get(type(intent.action)):
            effects.outcomes.append((intent, await tick(intent.group_number, intent.action, sweep)))
    return sweep.changed


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
