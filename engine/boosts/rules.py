"""Boosting a session: watch a video, answer its question (blueprint, "Video boost"; decision 0020).

The answer is what pays. Each boost belongs to the UTC day in which its watch began, and is one of
that day's from the moment at which its question is put.
"""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from engine.ads.rules import ad_playing, busy_until
from engine.ads.state import Views, playing
from engine.boosts.actions import AnswerBoost, AskQuestion, FailBoost, FinishWatch, StartBoost
from engine.boosts.opened import of_boost
from engine.boosts.state import (
    ABANDONED,
    ANSWER_TIME,
    OPEN_BOOST_STATUSES,
    Boost,
    Boosts,
    BoostStatus,
    boost_result,
    failed_boost,
)
from engine.content.library import (
    OPTION_COUNT,
    Asked,
    Library,
    Question,
    Video,
    draw_question,
    is_right,
    present,
)
from engine.core.action import Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision, LogEntry, Note
from engine.core.member import Member
from engine.core.outcome import Applied, Reason, Rejected
from engine.core.timeline import next_midnight, utc_day
from engine.core.transfer import Transfer, TransferType, emission, wallet
from engine.ledger.rights import CONTENT
from engine.mining.state import Session, Sessions, running_at


def start_boost(member: Member, intent: Intent[StartBoost], conditions: Conditions) -> Decision:
    """Begin to watch: one video at a time. Starting another gives up the one under way."""
    action, at = intent.action, intent.recorded_at
    video = conditions.of(Library).videos.get(action.video_id)
    if video is None:
        return Decision(Rejected(Reason.VIDEO_UNKNOWN, "There is no such video to watch."))
    session = _boostable(member, at)
    if isinstance(session, Rejected):
        return Decision(session)
    refused = _used_up(member, video, at, conditions.configuration(at).boosts_per_day)
    if refused is not None:
        return Decision(refused)
    if video.duration_seconds is None:
        return Decision(
            Rejected(
                Reason.DURATION_UNKNOWN,
                "We do not know how long this video is, so it cannot be boosted with yet.",
            )
        )
    assert session.ends_at is not None
    if at + timedelta(seconds=video.duration_seconds) + ANSWER_TIME > session.ends_at:
        return Decision(
            Rejected(
                Reason.SESSION_ENDS,
                "Your session ends before this video could be watched and answered.",
                session.ends_at,
            )
        )
    boost = Boost(
        id=intent.id,
        user_id=member.user_id,
        session_id=session.id,
        video_id=video.id,
        question_key=_draw(member, video, utc_day(at), conditions.lot),
        day=utc_day(at),
        status=BoostStatus.WATCHING,
        duration_seconds=video.duration_seconds,
        reward_micro=session.reward_micro * video.boost_percent // 100,
        started_at=at,
    )
    free_at = busy_until(member, at, at + timedelta(microseconds=1))
    if free_at is not None:
        return Decision(ad_playing(free_at))
    changed = _one_at_a_time(member, boost)
    return Decision(Applied(boost_result(changed[-1])), changed, logs=(_log(boost, "BOOST_START"),))


def _draw(member: Member, video: Video, day: date, lot: str) -> str:
    """Which question: the same however often a day the watch is begun, until it was put."""
    asked = Counter(
        boost.question_key
        for boost in member.of(Boosts).values()
        if boost.video_id == video.id and boost.asked_at is not None
    )
    return draw_question(video, asked, f"{lot}:{member.user_id}:{video.id}:{day.isoformat()}")


def _one_at_a_time(member: Member, boost: Boost) -> tuple[Boost, ...]:
    """The new boost, last, with what it gives up.

    Applied late, after another that was started later, or an ad, it has itself been given up by
    that one.
    """
    at = boost.started_at
    others = member.of(Boosts).values()
    given_up = [
        failed_boost(b, at, ABANDONED) for b in others if _is_open(b) and b.started_at <= at
    ]
    later = [b.started_at for b in others if b.started_at > at]
    watched = filter(None, map(playing, member.of(Views).values()))
    later += [since for since, _ in watched if at < since < boost.watched_by]
    successor_at = min(later, default=None)
    if successor_at is not None:
        boost = failed_boost(boost, successor_at, ABANDONED)
    return (*given_up, boost)


def _boostable(member: Member, at: datetime) -> Session | Rejected:
    return running_at(member.of(Sessions), at) or Rejected(
        Reason.NOT_MINING, "Boosts need a session that mines now. Start mining first."
    )


def _used_up(member: Member, video: Video, at: datetime, boosts_per_day: int) -> Rejected | None:
    """So many a UTC day; each video once a day, from when its question might be seen."""
    day = utc_day(at)
    todays = [boost for boost in member.of(Boosts).values() if boost.day == day]
    if sum(boost.asked_at is not None for boost in todays) >= boosts_per_day:
        used_up = f"{boosts_per_day} questions a day, answered rightly or not."
        return Rejected(Reason.BOOSTS_USED_UP, used_up, next_midnight(at))
    if any(boost.video_id == video.id and boost.watched_at is not None for boost in todays):
        return Rejected(Reason.VIDEO_USED, "You have watched this video today.", next_midnight(at))
    return None


def fail_boost(
    boost: Boost, intent: Intent[FailBoost], member: Member, conditions: Conditions
) -> Decision:
    """The video cannot be played, and no boost of the day is spent. What was watched could be."""
    action, at = intent.action, intent.recorded_at
    if boost.status is not BoostStatus.WATCHING:
        watched = "You have watched this video: answer its question, or begin another."
        return Decision(Rejected(Reason.VIDEO_WATCHED, watched))
    failed = failed_boost(boost, at, action.cause)
    entry = _log(failed, "BOOST_FAIL", cause=action.cause)
    return Decision(Applied(boost_result(failed)), (failed,), logs=(entry,))


def finish_watch(
    boost: Boost, intent: Intent[FinishWatch], member: Member, conditions: Conditions
) -> Decision:
    """The beats say the whole video was watched; the server's clock must agree."""
    action, at = intent.action, intent.recorded_at
    if boost.status is not BoostStatus.WATCHING:
        return Decision(Applied(boost_result(boost)))
    if at - boost.started_at < boost.duration:
        return Decision(
            Rejected(Reason.WATCH_INCOMPLETE, "Watch the complete video."),
            logs=(_log(boost, "SUSPICIOUS_TIMING", severity="MEDIUM"),),
        )
    boost = replace(boost, status=BoostStatus.WATCHED, watched_at=at)
    return Decision(
        Applied(boost_result(boost)),
        (boost,),
        logs=(_log(boost, "BOOST_WATCH", faults=action.faults),),
    )


def ask_question(
    boost: Boost, intent: Intent[AskQuestion], member: Member, conditions: Conditions
) -> Decision:
    """The question is out: 30 seconds from the instant of this intent, and one boost of the day is
    spent, however it is answered. A repeat changes nothing.

    It is recorded only after the end of the watch, but may be applied before it.
    """
    at = intent.recorded_at
    if boost.asked_at is not None:
        return Decision(Applied(boost_result(boost)))
    if boost.watched_at is None and at - boost.started_at < boost.duration:
        return Decision(Rejected(Reason.WATCH_INCOMPLETE, "Watch the complete video."))
    watched_at = boost.watched_at or at
    boost = replace(boost, status=BoostStatus.ASKED, watched_at=watched_at, asked_at=at)
    return Decision(Applied(boost_result(boost)), (boost,), logs=(_log(boost, "BOOST_ASK"),))


def answer_boost(
    boost: Boost, intent: Intent[AnswerBoost], member: Member, conditions: Conditions
) -> Decision:
    """One answer, within the time: right pays at once, wrong is logged."""
    action, at = intent.action, intent.recorded_at
    if boost.asked_at is None or at < boost.asked_at:
        return Decision(Rejected(Reason.QUESTION_NOT_ASKED, "Fetch the question first."))
    if at >= boost.asked_at + ANSWER_TIME:
        late = failed_boost(boost, at, Reason.ANSWER_LATE.value)
        seconds = int(ANSWER_TIME.total_seconds())
        refused = Rejected(Reason.ANSWER_LATE, f"The answer came later than {seconds} s.")
        return Decision(refused, (late,), logs=(_log(late, "BOOST_FAIL"),))
    session = _boostable(member, at)
    if isinstance(session, Rejected) or session.id != boost.session_id:
        over = failed_boost(boost, at, Reason.NOT_MINING.value)
        refused = Rejected(Reason.NOT_MINING, "The session of this boost has ended.")
        return Decision(refused, (over,), logs=(_log(over, "BOOST_FAIL"),))
    question = conditions.of(Library).questions[boost.question_key]
    right = 0 <= action.option < OPTION_COUNT and is_right(question, str(boost.id), action.option)
    boost = replace(
        boost,
        status=BoostStatus.PAID if right else BoostStatus.WRONG,
        answered_at=at,
        answer=action.option,
        is_correct=right,
        slot=_next_slot(member, boost) if right else None,
    )
    if not right:
        return Decision(Applied(boost_result(boost)), (boost,), logs=(_log(boost, "BOOST_WRONG"),))
    return _pay(boost, at)


def _next_slot(member: Member, boost: Boost) -> int:
    return 1 + sum(
        b.status is BoostStatus.PAID for b in member.of(Boosts).values() if b.day == boost.day
    )


def _pay(boost: Boost, at: datetime) -> Decision:
    facts = {"boost_id": boost.id, "session_id": boost.session_id, "video_id": boost.video_id}
    transfer = Transfer(
        source=emission("boost"),
        target=wallet(boost.user_id),
        type=TransferType.BOOST,
        amount_micro=boost.reward_micro,
        reference=f"boost:{boost.id}",
        funding=CONTENT,
        description="Video boost",
        metadata=facts,
        at=at,
    )
    note = Note(boost.user_id, "boost.paid", facts | {"amount_micro": boost.reward_micro}, at)
    return Decision(
        Applied(boost_result(boost)),
        (boost,),
        transfers=(transfer,),
        notes=(note,),
        logs=(_log(boost, "BOOST_PAID"),),
    )


def boost_question(boost_id: UUID, question: Question) -> Asked:
    """The question of a boost as its viewer sees it."""
    return present(question, str(boost_id))


def _is_open(boost: Boost) -> bool:
    return boost.status in OPEN_BOOST_STATUSES


def _log(boost: Boost, event: str, severity: str | None = None, **details: Any) -> LogEntry:
    facts = {"video_id": boost.video_id}
    return LogEntry(boost.user_id, event, "boost", boost.id, facts | details, severity)


RULES = {
    StartBoost: start_boost,
    FailBoost: of_boost(fail_boost),
    FinishWatch: of_boost(finish_watch),
    AskQuestion: of_boost(ask_question),
    AnswerBoost: of_boost(answer_boost),
}
