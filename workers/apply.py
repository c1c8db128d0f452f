"""Draining a bucket: claim, load, decide, store, complete: one transaction.

The more is waiting, the larger the batch: whichever group was rung for, all that is due in its
bucket goes along. A batch that raises is retried one intent at a time, so that a poison intent
fails alone (decision 0008).
"""

import logging
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from engine.core.action import AnyIntent
from engine.core.conditions import Conditions
from engine.core.decision import Decision, FollowUp, Note
from engine.core.errands import Errand
from engine.core.member import Entity, Member
from engine.core.outcome import Outcome, Reason, Rejected
from engine.core.piece import Lane, Piece
from engine.core.transfer import Transfer
from engine.decide import decide
from models.base.db import is_retryable, transaction
from models.base.logs import Logged, store_logs
from models.domains import KEEPS
from models.inbox.notes import store_notes
from models.intents import members
from models.intents.batch import Batch
from models.intents.bucket import lock_bucket
from models.intents.errands import store_errands
from models.intents.follow_ups import deliver, store_follow_ups
from models.intents.queue import BATCH_SIZE, claim, complete, due_ids, record_failure
from models.ledger.post import post
from runtime.broker.bells import queue_name
from runtime.clock import utcnow
from runtime.telemetry import traces
from runtime.telemetry.context import about
from workers.accounting import account_for, account_for_failure, note_intent
from workers.aftermath import after_commit
from workers.domains import AFTERWARDS, OFFERS, TICKS
from workers.errands.run import run_errands
from workers.ticks import Sweep
from workers.upkeep import drain_upkeep
from workers.workshop import Workshop

log = logging.getLogger(__name__)


class Effects(Struct):
    """What a batch has decided so far."""

    outcomes: list[tuple[AnyIntent, Outcome]] = []
    changed: dict[type[Entity], dict[Hashable, Entity]] = {}  # the last version of each
    transfers: list[Transfer] = []
    notes: list[Note] = []
    logs: list[Logged] = []
    follow_ups: list[FollowUp] = []
    errands: list[Errand] = []

    def add(self, member: Member, intent: AnyIntent, decision: Decision) -> None:
        """Take a decision in; later intents of the batch see what it changed."""
        self.outcomes.append((intent, decision.outcome))
        for entity in decision.changed:
            self.put(member, entity)
        self.transfers += decision.transfers
        self.notes += decision.notes
        self.follow_ups += decision.follow_ups
        self.errands += decision.errands
        where, at = intent.evidence, intent.recorded_at
        self.logs += [(entry, where, at) for entry in decision.logs]

    def put(self, member: Member, entity: Entity) -> None:
        """An entity of a member has another version."""
        member.put(entity)
        self.changed.setdefault(type(entity), {})[entity.user_id, entity.key] = entity


async def drain(shop: Workshop, piece: Piece) -> int:
    """Apply all due intents of a piece's bucket. Return how many were completed.

    Raise a database error only if it is one that passes: the bell is then rung again.
    """
    if piece.group_number == Lane.UPKEEP:
        return await drain_upkeep(shop, piece)
    if piece.group_number == Lane.ERRANDS:
        return await run_errands(shop, piece.bucket)
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
        account_for(effects.outcomes, effects.transfers)
        if span is not None:
            span.done(effects.outcomes)
    return len(effects.outcomes)


async def _commit_batch(shop: Workshop, bucket: int, limit: int, only: UUID | None) -> Effects:
    now = utcnow()
    async with transaction(shop.database) as connection:
        credited_through = await lock_bucket(connection, bucket)
        claimed = await claim(connection, bucket, now, limit, only)
        if not claimed:
            return Effects()
        if only is not None:
            note_intent(claimed[0])
        wishes = [intent for intent in claimed if intent.user_id is not None]
        batch = Batch(connection, bucket, wishes, {}, now)
        effects, changed = Effects(), set[int]()
        if wishes:
            conditions = await _decide_all(shop, batch, credited_through, effects)
            changed |= await _store(batch, effects)
        table, singly = shop.installation.table, only is not None
        sweep = Sweep(connection, bucket, table, credited_through, now, singly)
        changed |= await _run_ticks(claimed, sweep, effects)
        await store_follow_ups(connection, bucket, effects.follow_ups, now)
        await complete(connection, bucket, effects.outcomes, now)
        versions = await members.raise_versions(connection, bucket, changed)
        await shop.copies.mark_changing(versions)
    with after_commit("copying snapshots"):
        await shop.copies.refresh(shop.database, bucket, changed)
    if wishes:
        for take_back in AFTERWARDS:
            with after_commit("taking back"):
                await take_back(shop, batch, conditions)
    if effects.follow_ups:
        with after_commit("delivering"):
            await shop.ring(await deliver(shop.database, bucket, now))
    if effects.errands:
        with after_commit("ringing for errands"):
            await shop.ring([Piece(Lane.ERRANDS, bucket)])
    return effects


async def _decide_all(
    shop: Workshop, batch: Batch, credited_through: Mapping[int, datetime], effects: Effects
) -> Conditions:
    """Decide the members' intents in the order of their recording. Return under what conditions."""
    users = {intent.user_id for intent in batch.intents if intent.user_id is not None}
    batch.people |= await members.lock_members(batch.connection, batch.bucket, users)
    for keep in KEEPS:
        if keep.load is not None:
            await keep.load(batch)
    conditions = Conditions(
        table=shop.installation.table,
        credited_through=credited_through,
        lot=str(shop.installation.id),
        versions=await shop.configurations.versions(batch.connection),
    )
    for offer in OFFERS:
        await offer(shop, batch, conditions)
    for intent in batch.intents:
        assert intent.user_id is not None
        member = batch.people.get(intent.user_id)
        if member is None and intent.action.is_delivery:
            member = Member(intent.user_id, is_active=False)
        if member is None:
            gone = Rejected(Reason.ACCOUNT_DISABLED, "This account no longer exists.")
            effects.outcomes.append((intent, gone))
        else:
            effects.add(member, intent, decide(member, intent, conditions))
    return conditions


async def _store(batch: Batch, effects: Effects) -> set[int]:
    """Write what the rules changed and added. Return whose snapshot is another."""
    users = {transfer.user_id for transfer in effects.transfers}
    for keep in KEEPS:
        if entities := effects.changed.get(keep.entity):
            users.update(await keep.store(batch, list(entities.values())))
    await post(batch.connection, batch.bucket, effects.transfers, batch.now)
    await store_notes(batch.connection, batch.bucket, effects.notes)
    await store_logs(batch.connection, batch.bucket, effects.logs)
    await store_errands(batch.connection, batch.bucket, effects.errands)
    return users


async def _run_ticks(claimed: Sequence[AnyIntent], sweep: Sweep, effects: Effects) -> set[int]:
    """Do the batch's work for whole pieces, in order. Return users to show anew."""
    for intent in claimed:
        if tick := TICKS.get(type(intent.action)):
            effects.outcomes.append((intent, await tick(intent.group_number, intent.action, sweep)))
    effects.follow_ups += sweep.follow_ups
    return sweep.changed


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
