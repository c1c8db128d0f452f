"""Upkeep: work that belongs to no group. Every step may be repeated without harm.

The intent's row stays locked while its work runs in transactions of its own, one per bucket; the
last one completes it. A worker that dies leaves the row to the next one.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from engine.alerts import GLOBAL_BOOKS_KEY, books_key, wrong_books
from engine.intents import Applied, Intent, Outcome
from engine.timeline import utc_day
from engine.upkeep import (
    CheckAlerts,
    CheckInvariants,
    CloseInactive,
    ComputeFacts,
    ForgetPeople,
    OpenDay,
    PreparePartitions,
    PruneIntents,
    RebalanceGroups,
    RecheckVideos,
    RefreshLists,
    ScoreAccounts,
    SendSummary,
    SettleContacts,
    SyncVideos,
    TrainModel,
)
from models.address_codes import prune_address_codes
from models.alerts import keep_alerts
from models.archives import drop_files, write_archives
from models.catalogue import open_day
from models.clock import utcnow
from models.contact_upkeep import settle_changes
from models.db import Connection, Database, is_retryable, transaction
from models.erasure import close_inactive, erase_due
from models.facts import compute_facts
from models.groups import rebalance
from models.invariants import (
    Violation,
    audit,
    audit_globally,
    buckets_of_hour,
    find_overdue,
)
from models.partitions import archive_partitions, drop_archived, prepare_partitions
from models.queue import BATCH_SIZE, Piece, claim, complete, due_ids, record_failure
from models.registrations import prune_registrations
from models.telemetry.context import about
from models.upkeep import prune
from workers.accounting import account_for, account_for_failure, note_intent
from workers.alerting.check import check_alerts, send_summary
from workers.reputation import refresh_lists
from workers.scoring.nightly import score_day, train_model
from workers.videos.sync import recheck_videos, sync_videos
from workers.workshop import Workshop

log = logging.getLogger(__name__)

WORK_SECONDS_MAX = 900
# The hourly check at this hour (UTC) also looks over all buckets at once.
GLOBAL_AUDIT_HOUR = 4


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
        claimed = await claim(connection, piece, now, 1, intent_id)
        done: list[tuple[Intent, Outcome]] = []
        for intent in claimed:
            note_intent(intent)
            done.append((intent, Applied(await _work(shop, connection, intent, now))))
            await complete(connection, piece, done, now)
    account_for(done)
    return len(done)


async def _work(
    shop: Workshop,
    connection: Connection,
    intent: Intent,
    now: datetime,
) -> dict[str, object]:
    match intent.action:
        case OpenDay(day):
            return {"opened": await open_day(connection, day, now)}
        case ComputeFacts(day):
            return {"facts": await compute_facts(shop.database, day, now)}
        case RebalanceGroups():
            return {
                "moved": await rebalance(shop.database, shop.copies, shop.installation.table, now)
            }
        case PruneIntents():
            return {"removed": await prune(shop.database, now)}
        case PreparePartitions():
            return await _keep_partitions(shop, utc_day(now))
        case SyncVideos():
            return await sync_videos(shop.database, shop.providers, now)
        case RecheckVideos():
            return await recheck_videos(shop.database, shop.providers, now)
        case ForgetPeople():
            await prune_registrations(shop.database, now)
            await prune_address_codes(shop.database, now)
            return {"forgotten": await erase_due(shop.database, now)}
        case ScoreAccounts(day):
            return {"scores": await score_day(shop.database, shop.installation.table, day, now)}
        case TrainModel(day):
            return {"model": await train_model(shop.database, day, now)}
        case RefreshLists():
            return {"lists": await refresh_lists(shop.database, shop.ip_lists, now)}
        case CloseInactive():
            return {"closed": await close_inactive(shop.database, shop.copies, now)}
        case CheckInvariants():
            return await _check_invariants(shop.database, intent.recorded_at, now)
        case SettleContacts():
            settings = await shop.configurations.at(now)
            back_for = timedelta(days=settings.contact_back_days)
            return {"settled": await settle_changes(shop.database, shop.copies, back_for, now)}
        case CheckAlerts():
            return await check_alerts(shop.database, shop.channels, now)
        case SendSummary():
            return {"alerts": await send_summary(shop.database, shop.channels, now)}
        case other:
            raise TypeError(f"{type(other).__name__} is not upkeep")


async def _check_invariants(
    database: Database, recorded_at: datetime, now: datetime
) -> dict[str, object]:
    first, last = buckets_of_hour(recorded_at)
    violations = await audit(database, first, last)
    await _tell_of_books(database, books_key(first, last), violations, now)
    if recorded_at.hour == GLOBAL_AUDIT_HOUR:
        found = await audit_globally(database, now)
        await _tell_of_books(database, GLOBAL_BOOKS_KEY, found, now)
        violations += found
    overdue = await find_overdue(database, now)
    for violation in overdue:
        log.error("overdue: %s", violation)
    return {"violations": violations, "overdue": overdue}


async def _tell_of_books(
    database: Database, key: str, violations: Sequence[Violation], now: datetime
) -> None:
    for violation in violations:
        log.critical("invariant broken: %s", violation)
    broken = {violation.invariant: violation.row_count for violation in violations}
    await keep_alerts(database, [key], wrong_books(key, broken), now)


async def _keep_partitions(shop: Workshop, today: date) -> dict[str, object]:
    made = await prepare_partitions(shop.database, today)
    archived = await archive_partitions(shop.database, today)
    dropped = await drop_archived(shop.database, today)
    written: list[str] = []
    if shop.archive is None:
        log.info("TWTC_ARCHIVE_DIR is not set: old logs stay in the schema archive")
    else:
        written = await write_archives(shop.database, shop.archive)
        dropped += await asyncio.to_thread(drop_files, shop.archive, today)
    return {"made": made, "archived": archived, "written": written, "dropped": dropped}
