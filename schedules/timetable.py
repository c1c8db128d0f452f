"""The timetable is data: what is due, how often, and for which pieces.

An entry's boundary stands in its intent's key, so that however many clocks and cron jobs record it,
it is recorded once.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct

from engine.accounts.actions import CloseInactive, ForgetPeople, SettleContacts
from engine.content.actions import RecheckVideos, SyncVideos
from engine.core.action import Action
from engine.core.piece import Lane, Piece
from engine.core.timeline import (
    DAY_SECONDS,
    PRODUCTION,
    Timetable,
    boundary_at_or_before,
    micros,
    utc_day,
)
from engine.fraud.actions import RefreshLists, ScoreAccounts, TrainModel
from engine.ledger.actions import FoldLedger
from engine.mining.actions import CreditMining, RebalanceGroups, RemindWindow, SettleMining
from engine.operations.actions import (
    CheckAlerts,
    CheckInvariants,
    ComputeFacts,
    PreparePartitions,
    PruneIntents,
    SendSummary,
)
from engine.tasks.actions import OpenDay
from models.base.db import Database
from models.mining.due import pieces_to_credit, pieces_to_remind, pieces_to_settle

WEEK_SECONDS = 7 * DAY_SECONDS
# The epoch was a Thursday: Monday 03:00 lies four days and three hours after it.
MONDAY_3AM_SECONDS = 4 * DAY_SECONDS + 3 * 3600

# Once a minute in a window of 24.
REMINDERS_PER_WINDOW = 24

PieceFinder = Callable[[Database, datetime], Awaitable[list[Piece]]]


class Entry(Struct, frozen=True):
    """One line of the timetable. `catch_up_max` boundaries are made up for after an outage."""

    name: str
    period_seconds: int
    offset_seconds: int
    action: Callable[[datetime], Action]
    pieces: PieceFinder
    catch_up_max: int = 1

    def boundary(self, at: datetime) -> datetime:
        """The entry's latest boundary at or before `at`."""
        return boundary_at_or_before(at, self.period_seconds, self.offset_seconds)

    def boundaries(self, at: datetime) -> list[datetime]:
        """The boundaries that may have been missed by `at`, oldest first."""
        latest, period = self.boundary(at), timedelta(seconds=self.period_seconds)
        return [latest - period * back for back in range(self.catch_up_max - 1, -1, -1)]

    def key(self, boundary: datetime) -> str:
        """The intent's key; {group} stands for the piece's group."""
        return f"{self.name}:{{group}}:{micros(boundary) // 1_000_000}"


async def _upkeep_piece(database: Database, boundary: datetime) -> list[Piece]:
    return [Piece(Lane.UPKEEP, 0)]


def entries(table: Timetable) -> tuple[Entry, ...]:
    """What is due when. Settlement and reminders keep their share of a shortened cycle."""
    timing = table.timing
    remind_seconds = max(4, timing.window_seconds // REMINDERS_PER_WINDOW)
    settle_seconds = max(2, 60 * timing.cycle_seconds // PRODUCTION.cycle_seconds)

    def upkeep(
        name: str,
        action: Callable[[datetime], Action],
        offset_seconds: int,
        period_seconds: int = DAY_SECONDS,
        catch_up_max: int = 1,
    ) -> Entry:
        return Entry(name, period_seconds, offset_seconds, action, _upkeep_piece, catch_up_max)

    return (
        # The watermark makes up for missed ticks and settlements: the latest boundary is enough.
        Entry("credit", timing.tick_seconds, 0, CreditMining, pieces_to_credit),
        Entry("settle", settle_seconds, 0, SettleMining, pieces_to_settle),
        # A later reminder of the same window makes up for a missed one.
        Entry("remind", remind_seconds, 0, RemindWindow, partial(pieces_to_remind, table)),
        # Each missed day has its own row.
        upkeep("reset", lambda at: OpenDay(utc_day(at)), 0, catch_up_max=7),
        # Late proofs of the day have come by then.
        upkeep(
            "facts",
            lambda at: ComputeFacts(utc_day(at) - timedelta(days=1)),
            40 * 60,
            catch_up_max=7,
        ),
        upkeep("score", lambda at: ScoreAccounts(utc_day(at) - timedelta(days=1)), 50 * 60),
        upkeep("train", lambda at: TrainModel(utc_day(at) - timedelta(days=1)), 6 * 3600),
        upkeep("partitions", lambda at: PreparePartitions(), 1 * 3600),
        upkeep("prune", lambda at: PruneIntents(), 2 * 3600),
        # While one release replaces another; otherwise there is nothing to do.
        upkeep("fold", lambda at: FoldLedger(), 4 * 60, 10 * 60),
        # Before the hourly check, or that would find it undone after an outage.
        upkeep("forget", lambda at: ForgetPeople(), 2 * 60, 3600),
        upkeep("contacts", lambda at: SettleContacts(), 60, 10 * 60),
        upkeep("inactive", lambda at: CloseInactive(), 3 * 3600),
        upkeep("videos", lambda at: SyncVideos(), 4 * 3600),
        upkeep("recheck", lambda at: RecheckVideos(), 3 * 60, 10 * 60),
        upkeep("lists", lambda at: RefreshLists(), 5 * 3600),
        upkeep("rebalance", lambda at: RebalanceGroups(), MONDAY_3AM_SECONDS, WEEK_SECONDS),
        upkeep("invariants", lambda at: CheckInvariants(), 5 * 60, 3600),
        upkeep("alerts", lambda at: CheckAlerts(), 0, 5 * 60),
        upkeep("summary", lambda at: SendSummary(), 6 * 3600),
    )


def check_entries(table: tuple[Entry, ...]) -> None:
    """Raise ValueError for a timetable that cannot work; called when it is loaded."""
    names = [entry.name for entry in table]
    if len(set(names)) != len(names):
        raise ValueError(f"timetable entries share a name: {names}")
    for entry in table:
        if entry.period_seconds < 1 or not 0 <= entry.offset_seconds < entry.period_seconds:
            raise ValueError(f"timetable entry {entry.name}: offset must lie within its period")
        if entry.catch_up_max < 1:
            raise ValueError(f"timetable entry {entry.name}: catch_up_max must be at least 1")
