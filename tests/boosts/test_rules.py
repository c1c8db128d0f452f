"""Boosting a session, as functions of a member and an instant."""

from datetime import datetime, timedelta
from uuid import UUID

from engine.boosts.actions import AnswerBoost, AskQuestion, FailBoost, FinishWatch, StartBoost
from engine.boosts.state import Boost, Boosts, BoostStatus
from engine.content.library import OPTION_COUNT, is_right
from engine.core.outcome import Reason
from engine.mining.state import Session, SessionStatus
from tests.kit.rules import GROUP, QUESTIONS, USER, Life
from tests.kit.words import MICROSECOND, START, at

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
ENDS_AT = at("04:00")


def miner() -> Life:
    """A member who mines from midnight to four."""
    life = Life()
    mining = SessionStatus.ACTIVE
    life.member.put(
        Session(
            UUID(int=999), USER, GROUP, mining, 100_000_000, START, START,
            started_at=START, ends_at=ENDS_AT,
        )
    )  # fmt: skip
    return life


def newest(life: Life) -> Boost:
    return [*life.member.of(Boosts).values()][-1]


def asked(life: Life, video: str, begun_at: datetime) -> Boost:
    """A boost that was watched to its end; its question is out."""
    life.applied(StartBoost(video), begun_at)
    life.applied(FinishWatch(newest(life).id), begun_at + MINUTE)
    life.applied(AskQuestion(newest(life).id), begun_at + MINUTE)
    return newest(life)


def option(boost: Boost, *, right: bool) -> int:
    question = QUESTIONS[boost.question_key]
    found = [o for o in range(OPTION_COUNT) if is_right(question, str(boost.id), o) is right]
    return found[0]


def test_a_right_answer_pays_half_of_the_reward_once() -> None:
    life = miner()
    boost = asked(life, "a", START)
    answer = AnswerBoost(boost.id, option(boost, right=True))
    [transfer] = life.applied(answer, START + MINUTE + SECOND).transfers
    assert transfer.amount_micro == 50_000_000
    assert transfer.reference == f"boost:{boost.id}"
    assert not life.decide(answer, START + MINUTE + SECOND).transfers
    assert newest(life).slot == 1


def test_a_wrong_answer_pays_nothing_and_is_final() -> None:
    life = miner()
    boost = asked(life, "a", START)
    wrong = AnswerBoost(boost.id, option(boost, right=False))
    assert not life.applied(wrong, START + MINUTE).transfers
    assert newest(life).status is BoostStatus.WRONG
    right = AnswerBoost(boost.id, option(boost, right=True))
    assert not life.decide(right, START + MINUTE).transfers


def test_an_answer_has_thirty_seconds() -> None:
    life = miner()
    boost = asked(life, "a", START)
    answer = AnswerBoost(boost.id, option(boost, right=True))
    late = START + MINUTE + 30 * SECOND
    assert life.refused(answer, late)[0] == Reason.ANSWER_LATE
    life = miner()
    asked(life, "a", START)
    assert life.applied(answer, late - MICROSECOND).transfers


def test_a_video_is_watched_to_its_end() -> None:
    life = miner()
    life.applied(StartBoost("a"), START)
    boost = newest(life)
    early = START + MINUTE - MICROSECOND
    assert life.refused(FinishWatch(boost.id), early)[0] == Reason.WATCH_INCOMPLETE
    assert life.refused(AskQuestion(boost.id), early)[0] == Reason.WATCH_INCOMPLETE
    assert life.refused(AnswerBoost(boost.id, 0), early)[0] == Reason.QUESTION_NOT_ASKED
    life.applied(FinishWatch(boost.id), START + MINUTE)
    assert life.refused(FailBoost(boost.id, "UNPLAYABLE"), START + MINUTE)[0] == (
        Reason.VIDEO_WATCHED
    )


def test_three_questions_a_day_and_each_video_once() -> None:
    life = miner()
    asked(life, "a", START)
    midnight = at("2026-03-02T00:00Z")
    again = life.refused(StartBoost("a"), START + 2 * MINUTE)
    assert again == (Reason.VIDEO_USED, midnight)
    asked(life, "b", START + 2 * MINUTE)
    asked(life, "c", START + 4 * MINUTE)
    fourth = life.refused(StartBoost("d"), START + 6 * MINUTE)
    assert fourth == (Reason.BOOSTS_USED_UP, midnight)


def test_a_boost_needs_a_session_that_lasts() -> None:
    assert Life().refused(StartBoost("a"), START)[0] == Reason.NOT_MINING
    last = ENDS_AT - MINUTE - 30 * SECOND
    miner().applied(StartBoost("a"), last)
    assert miner().refused(StartBoost("a"), last + MICROSECOND) == (Reason.SESSION_ENDS, ENDS_AT)


def test_what_is_not_there_or_has_no_length_is_not_watched() -> None:
    assert miner().refused(StartBoost("nothing"), START)[0] == Reason.VIDEO_UNKNOWN
    assert miner().refused(StartBoost("unknown"), START)[0] == Reason.DURATION_UNKNOWN


def test_another_watch_gives_up_the_one_under_way() -> None:
    life = miner()
    life.applied(StartBoost("a"), START)
    first = newest(life)
    life.applied(StartBoost("b"), START + SECOND)
    assert life.member.of(Boosts)[first.id].status is BoostStatus.FAILED
    assert newest(life).status is BoostStatus.WATCHING
