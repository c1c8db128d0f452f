from datetime import datetime

from engine.core.action import Action
from engine.core.outcome import Result
from engine.mining.state import SessionResult


class GroupsRebalanced(Result, frozen=True):
    """How many members changed their group."""

    moved: int


class RebalanceGroups(Action, frozen=True, tag="groups.rebalance"):
    """Even out the groups' sizes."""

    results = (GroupsRebalanced,)


class StartMining(Action, frozen=True, tag="mining.start"):
    """Begin a mining session: asks for an ad."""

    is_start = True
    is_decision = True
    is_act = True
    results = (SessionResult,)


class MiningCredited(Result, frozen=True):
    """How many wallets were paid."""

    wallets: int


class CreditMining(Action, frozen=True, tag="mining.credit"):
    """Pay a piece's live sessions what they earned up to a boundary."""

    is_tick = True
    results = (MiningCredited,)

    boundary: datetime


class MiningSettled(Result, frozen=True):
    """How many members were paid and failed; how many sessions were paid, and what."""

    settled: int
    expired: int
    sessions: int
    paid_micro: int


class SettleMining(Action, frozen=True, tag="mining.settle"):
    """Complete a piece's ended sessions and fail those whose proof never came."""

    is_tick = True
    results = (MiningSettled,)

    boundary: datetime


class WindowReminded(Result, frozen=True):
    """How many members were told."""

    told: int


class RemindWindow(Action, frozen=True, tag="window.remind"):
    """Tell a piece's members whose phase has come that their window is open."""

    is_tick = True
    results = (WindowReminded,)

    boundary: datetime
