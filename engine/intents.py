"""What can be asked for (decision 0001)."""

from datetime import date, datetime
from typing import Any, get_args
from uuid import UUID

from engine.action import Action
from engine.ads import AdResult
from engine.boost import BoostResult
from engine.daily import TaskResult
from engine.outcome import Nothing, Result
from engine.session import SessionResult
from engine.upkeep import UpkeepAction


class StartMining(Action, frozen=True, tag="mining.start"):
    """Begin a mining session: asks for an ad."""

    is_start = True
    is_decision = True
    is_act = True
    results = (SessionResult,)


class StartView(Action, frozen=True, tag="ad.start"):
    """The ad began to play."""

    is_watch = True
    results = (AdResult,)

    view_id: UUID


class CompleteView(Action, frozen=True, tag="ad.complete"):
    """The ad has been watched to its end, says the client."""

    is_act = True
    results = (SessionResult, TaskResult)

    view_id: UUID


class FailView(Action, frozen=True, tag="ad.fail"):
    """The ad could not be shown: asks for another."""

    is_act = True
    results = (SessionResult, TaskResult)

    view_id: UUID
    cause: str


class ConfirmView(Action, frozen=True, tag="ad.confirm", omit_defaults=True):
    """The ad network's signed callback: its proof that the ad was watched.

    `seconds` is how long it was shown, where the network says so.
    """

    is_watch = True
    is_own = False
    results = (SessionResult, TaskResult)

    view_id: UUID
    network: str
    event_id: str
    ad_unit: str | None
    seconds: int | None = None


class StartBoost(Action, frozen=True, tag="boost.start"):
    """Begin to watch a video."""

    is_start = True
    is_decision = True
    is_act = True
    is_watch = True
    needs_library = True
    results = (BoostResult,)

    video_id: str
    player_seconds: int | None = None  # of releases that took a player's word: believed no more


class FailBoost(Action, frozen=True, tag="boost.fail"):
    """The player cannot show the video: the boost is given up before its question."""

    results = (BoostResult,)

    boost_id: UUID
    cause: str


class FinishWatch(Action, frozen=True, tag="boost.watch"):
    """The whole video has been watched, by the beats that the API judged."""

    results = (BoostResult,)

    boost_id: UUID
    faults: int = 0


class AskQuestion(Action, frozen=True, tag="boost.ask"):
    """The question has been handed out: the time for the answer runs."""

    results = (BoostResult,)

    boost_id: UUID


class AnswerBoost(Action, frozen=True, tag="boost.answer"):
    """The answer: which of the presented options, from 0."""

    is_decision = True
    is_act = True
    needs_library = True
    results = (BoostResult,)

    boost_id: UUID
    option: int


class StartTask(Action, frozen=True, tag="task.start"):
    """Begin a task of the day in which this is recorded."""

    is_start = True
    is_decision = True
    is_act = True
    needs_library = True
    results = (TaskResult,)

    number: int


class CompleteTask(Action, frozen=True, tag="task.complete"):
    """An article has been read, or a social task done; `proof` is what a moderator looks at."""

    is_decision = True
    is_act = True
    results = (TaskResult,)

    number: int
    proof: str | None = None


class AnswerTask(Action, frozen=True, tag="task.answer"):
    """The answer to a quiz task: which of the presented options, from 0."""

    is_decision = True
    is_act = True
    needs_library = True
    results = (TaskResult,)

    number: int
    option: int


class ReviewTask(Action, frozen=True, tag="task.review"):
    """A moderator's verdict on what was handed in at `submitted_at`."""

    is_own = False
    results = (TaskResult,)

    day: date
    number: int
    submitted_at: datetime
    is_approved: bool
    reviewer: str


class FlagUser(Action, frozen=True, tag="fraud.flag"):
    """Something that no single intent shows: too many accounts on a device, a high score."""

    results = (Nothing,)

    event: str
    severity: str
    details: dict[str, Any]
    hold: str | None = None
    level: int = 0


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


class Adjusted(Result, frozen=True):
    """What was moved: `direction` is CREDIT or DEBIT."""

    adjustment_id: UUID
    amount_micro: int
    direction: str


class ApplyAdjustment(Action, frozen=True, tag="adjustment.apply"):
    """Move the coins of an approved adjustment."""

    results = (Adjusted,)

    adjustment_id: UUID


ViewAction = StartView | CompleteView | FailView | ConfirmView
BoostAction = StartBoost | FailBoost | FinishWatch | AskQuestion | AnswerBoost
TaskAction = StartTask | CompleteTask | AnswerTask | ReviewTask
UserAction = StartMining | ViewAction | BoostAction | TaskAction
PieceAction = CreditMining | SettleMining | RemindWindow | ApplyAdjustment
AnyAction = UserAction | FlagUser | PieceAction | UpkeepAction
ACTIONS: tuple[type[Action], ...] = get_args(AnyAction)
