"""Upkeep: work that belongs to no group. Every step may be repeated without harm.

The intent's row stays locked while its work runs in transactions of its own, one per bucket; the
last one completes it. A worker that dies leaves the row to the next one.
"""

import asyncio
import logging
from uuid import UUID

from engine.core.action import AnyIntent
from engine.core.decision import FollowUp
from engine.core.outcome import Applied, Outcome
from engine.core.piece import Piece
from models.base.db import is_retryable, transaction
from models.intents.follow_ups import deliver, store_follow_ups
from models.intents.queue import BATCH_SIZE, claim_upkeep, complete, due_ids, record_failure
from runtime.clock import utcnow
from runtime.telemetry.context import about
from workers.accounting import account_for, account_for_failure, note_intent
from workers.aftermath import after_commit
from workers.chores import Work
from workers.domains import CHORES
from workers.workshop import Workshop

log = logging.getLogger(__name__)

WORK_SECONDS_MAX = 900


async def drain_upkeep(shop: Workshop, piece: Piece) -> int:
    """Do the due upkeep, one intent after the other. Return how many were completed."""
    done = 0
    for intent_id in await due_ids(shop.database, piece, utcnow(), BATCH_SIZE):
        with about(intent_id=intent_id) as notes:
            try:
                done += await _do(shop, piece, intent_id)
            except Exception as error:
                # Work that takes too long counts as a failure, or it would be begun again for ever.
                if is_retryable(error) and not isinstance(error, TimeoutError):
                    raise
                description = f"{type(error).__name__}: {error}"
                status = await record_failure(
                    shop.database, piece.bucket, intent_id, description, utcnow()
                )
                account_for_failure(notes, status)
                log.exception("upkeep %s failed and is now %s", intent_id, status)
    return done


async def _do(shop: Workshop, piece: Piece, intent_id: UUID) -> int:
    now = utcnow()
    async with asyncio.timeout(WORK_SECONDS_MAX), transaction(shop.database) as connection:
        claimed = await claim_upkeep(connection, piece.bucket, now, intent_id)
        done: list[tuple[AnyIntent, Outcome]] = []
        follow_ups: list[FollowUp] = []
        for intent in claimed:
            note_intent(intent)
            work = Work(shop, connection, intent.recorded_at, now)
            result = await CHORES[type(intent.action)](intent.action, work)
            done.append((intent, Applied(result)))
            follow_ups += work.follow_ups
            await complete(connection, piece.bucket, done, now)
        await store_follow_ups(connection, piece.bucket, follow_ups, now)
    account_for(done)
    if follow_ups:
        with after_commit("delivering"):
            await shop.ring(await deliver(shop.database, piece.bucket, now))
    return len(done)
