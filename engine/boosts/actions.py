from uuid import UUID

from engine.boosts.state import BoostResult
from engine.core.action import Action


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


BoostAction = StartBoost | FailBoost | FinishWatch | AskQuestion | AnswerBoost
