"""What workers do for the whole: the audit, facts, alerts, pruning, partitions."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import date, datetime

from engine.core.action import Action
from engine.core.outcome import Result
from engine.core.timeline import utc_day
from engine.operations.actions import (
    CheckAlerts,
    CheckInvariants,
    ComputeFacts,
    FactsComputed,
    IntentsPruned,
    InvariantsChecked,
    PartitionsPrepared,
    PreparePartitions,
    PruneIntents,
    SendSummary,
    SummarySent,
    Violation,
)
from engine.operations.alerts import GLOBAL_BOOKS_KEY, books_key, wrong_books
from models.base.db import Database
from models.base.partitions import archive_partitions, drop_archived, prepare_partitions
from models.operations.alerts import keep_alerts
from models.operations.facts import compute_facts
from models.operations.invariants import audit, audit_globally, buckets_of_hour, find_overdue
from models.operations.prune import prune
from models.schema.archives import drop_files, write_archives
from workers.alerting.check import check_alerts, send_summary
from workers.chores import Chore, Work

log = logging.getLogger(__name__)

# The hourly check at this hour (UTC) also looks over all buckets at once.
GLOBAL_AUDIT_HOUR = 4


async def _compute_facts(action: ComputeFacts, work: Work) -> Result:
    return FactsComputed(await compute_facts(work.database, action.day, work.now))


async def _prune(action: PruneIntents, work: Work) -> Result:
    return IntentsPruned(await prune(work.database, work.now))


async def _check_alerts(action: CheckAlerts, work: Work) -> Result:
    return await check_alerts(work.database, work.shop.channels, work.now)


async def _send_summary(action: SendSummary, work: Work) -> Result:
    return SummarySent(await send_summary(work.database, work.shop.channels, work.now))


async def _check_invariants(action: CheckInvariants, work: Work) -> Result:
    database, now = work.database, work.now
    first, last = buckets_of_hour(work.recorded_at)
    violations = await audit(database, first, last)
    await _tell_of_books(database, books_key(first, last), violations, now)
    if work.recorded_at.hour == GLOBAL_AUDIT_HOUR:
        found = await audit_globally(database, now)
        await _tell_of_books(database, GLOBAL_BOOKS_KEY, found, now)
        violations += found
    overdue = await find_overdue(database, now)
    for violation in overdue:
        log.error("overdue: %s", violation)
    return InvariantsChecked(violations, overdue)


async def _tell_of_books(
    database: Database, key: str, violations: Sequence[Violation], now: datetime
) -> None:
    for violation in violations:
        log.critical("invariant broken: %s", violation)
    broken = {violation.invariant: violation.row_count for violation in violations}
    await keep_alerts(database, [key], wrong_books(key, broken), now)


async def _keep_partitions(action: PreparePartitions, work: Work) -> Result:
    database, folder = work.database, work.shop.archive
    today: date = utc_day(work.now)
    made = await prepare_partitions(database, today)
    archived = await archive_partitions(database, today)
    dropped = await drop_archived(database, today)
    written: list[str] = []
    if folder is None:
        log.info("TWTC_ARCHIVE_DIR is not set: old logs stay in the schema archive")
    else:
        written = await write_archives(database, folder)
        dropped += await asyncio.to_thread(drop_files, folder, today)
    return PartitionsPrepared(made, archived, written, dropped)


CHORES: dict[type[Action], Chore] = {
    ComputeFacts: _compute_facts,
    PruneIntents: _prune,
    PreparePartitions: _keep_partitions,
    CheckInvariants: _check_invariants,
    CheckAlerts: _check_alerts,
    SendSummary: _send_summary,
}
