"""Each kind of upkeep, and what is done for it (`CHORES`)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct

from engine.accounts.actions import (
    CloseInactive,
    ContactsSettled,
    ForgetPeople,
    InactiveClosed,
    PeopleForgotten,
    SettleContacts,
)
from engine.content.actions import RecheckVideos, SyncVideos
from engine.core.action import Action
from engine.core.outcome import Result
from engine.core.timeline import utc_day
from engine.fraud.actions import (
    AccountsScored,
    ListsRefreshed,
    ModelTrained,
    RefreshLists,
    ScoreAccounts,
    TrainModel,
)
from engine.ledger.actions import FoldLedger, LedgerFolded
from engine.mining.actions import GroupsRebalanced, RebalanceGroups
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
from engine.tasks.actions import DayOpened, OpenDay
from models.accounts.address_codes import prune_address_codes
from models.accounts.registrations import prune_registrations
from models.base.db import Connection, Database
from models.base.partitions import archive_partitions, drop_archived, prepare_partitions
from models.contacts.upkeep import settle_changes
from models.content.catalogue import open_day
from models.ledger.fold import fold_all
from models.mining.credit import lock_bucket
from models.mining.groups import rebalance
from models.operations.alerts import keep_alerts
from models.operations.facts import compute_facts
from models.operations.invariants import audit, audit_globally, buckets_of_hour, find_overdue
from models.operations.prune import prune
from models.privacy.erasure import close_inactive, erase_due
from models.schema.archives import drop_files, write_archives
from workers.alerting.check import check_alerts, send_summary
from workers.reputation import refresh_lists
from workers.scoring.nightly import score_day, train_model
from workers.videos.sync import recheck_videos, sync_videos
from workers.workshop import Workshop

log = logging.getLogger(__name__)

# The hourly check at this hour (UTC) also looks over all buckets at once.
GLOBAL_AUDIT_HOUR = 4


class Work(Struct, frozen=True):
    """What a chore is done with. `connection` holds the intent's row until the chore is done."""

    shop: Workshop
    connection: Connection
    recorded_at: datetime
    now: datetime

    @property
    def database(self) -> Database:
        """For transactions of its own, one a bucket."""
        return self.shop.database


async def _open_day(action: OpenDay, work: Work) -> Result:
    return DayOpened(await open_day(work.connection, action.day, work.now))


async def _compute_facts(action: ComputeFacts, work: Work) -> Result:
    return FactsComputed(await compute_facts(work.database, action.day, work.now))


async def _rebalance(action: RebalanceGroups, work: Work) -> Result:
    shop, table = work.shop, work.shop.installation.table
    return GroupsRebalanced(await rebalance(shop.database, shop.copies, table, work.now))


async def _prune(action: PruneIntents, work: Work) -> Result:
    return IntentsPruned(await prune(work.database, work.now))


async def _sync_videos(action: SyncVideos, work: Work) -> Result:
    return await sync_videos(work.database, work.shop.providers, work.now)


async def _recheck_videos(action: RecheckVideos, work: Work) -> Result:
    return await recheck_videos(work.database, work.shop.providers, work.now)


async def _fold_ledger(action: FoldLedger, work: Work) -> Result:
    return LedgerFolded(await fold_all(work.database, lock_bucket))


async def _forget_people(action: ForgetPeople, work: Work) -> Result:
    await prune_registrations(work.database, work.now)
    await prune_address_codes(work.database, work.now)
    return PeopleForgotten(await erase_due(work.database, work.now))


async def _score_accounts(action: ScoreAccounts, work: Work) -> Result:
    table = work.shop.installation.table
    return AccountsScored(await score_day(work.database, table, action.day, work.now))


async def _train_model(action: TrainModel, work: Work) -> Result:
    return ModelTrained(await train_model(work.database, action.day, work.now))


async def _refresh_lists(action: RefreshLists, work: Work) -> Result:
    return ListsRefreshed(await refresh_lists(work.database, work.shop.ip_lists, work.now))


async def _close_inactive(action: CloseInactive, work: Work) -> Result:
    return InactiveClosed(await close_inactive(work.database, work.shop.copies, work.now))


async def _settle_contacts(action: SettleContacts, work: Work) -> Result:
    settings = await work.shop.configurations.at(work.now)
    back_for = timedelta(days=settings.contact_back_days)
    copies = work.shop.copies
    return ContactsSettled(await settle_changes(work.database, copies, back_for, work.now))


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


# Each is given actions of its own kind.
CHORES: dict[type[Action], Callable[[Any, Work], Awaitable[Result]]] = {
    OpenDay: _open_day,
    ComputeFacts: _compute_facts,
    RebalanceGroups: _rebalance,
    PruneIntents: _prune,
    PreparePartitions: _keep_partitions,
    SyncVideos: _sync_videos,
    RecheckVideos: _recheck_videos,
    SettleContacts: _settle_contacts,
    FoldLedger: _fold_ledger,
    ForgetPeople: _forget_people,
    CloseInactive: _close_inactive,
    RefreshLists: _refresh_lists,
    ScoreAccounts: _score_accounts,
    TrainModel: _train_model,
    CheckInvariants: _check_invariants,
    CheckAlerts: _check_alerts,
    SendSummary: _send_summary,
}
