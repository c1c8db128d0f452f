"""What is about a boost: it is the member's own and open, or the intent has no effect."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from engine.boosts.actions import AnswerBoost, AskQuestion, FailBoost, FinishWatch
from engine.boosts.state import OPEN_BOOST_STATUSES, Boost, Boosts
from engine.core.action import AnyIntent, Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Member
from engine.core.outcome import Reason, Rejected
from engine.core.rule import Rule

OfBoost = FailBoost | FinishWatch | AskQuestion | AnswerBoost
OnBoost = Callable[[Boost, Intent[Any], Member, Conditions], Decision]


def of_boost(rule: OnBoost) -> Rule:
    """A rule about one of the member's boosts that is open."""

    def decide_boost(member: Member, intent: Intent[OfBoost], conditions: Conditions) -> Decision:
        boost = member.of(Boosts).get(intent.action.boost_id)
        if boost is None:
            return Decision(Rejected(Reason.BOOST_UNKNOWN, "There is no such boost."))
        if boost.status not in OPEN_BOOST_STATUSES:
            over = "This boost is over: one answer, or another start, ends it. Begin another."
            shown = isinstance(intent.action, AskQuestion)
            spent = ask_of_closed(boost, intent, member) if shown else ()
            return Decision(Rejected(Reason.BOOST_CLOSED, over), changed=spent)
        return rule(boost, intent, member, conditions)

    return decide_boost


def ask_of_closed(boost: Boost, intent: AnyIntent, member: Member) -> tuple[Boost, ...]:
    """The boost whose question was shown although it had been given up meanwhile: it is spent."""
    at = intent.recorded_at
    todays = (
        b for b in member.of(Boosts).values() if b.day == boost.day and b.asked_at is not None
    )
    is_asked = any(b.video_id == boost.video_id for b in todays)
    if is_asked or (boost.watched_at is None and at - boost.started_at < boost.duration):
        return ()
    return (replace(boost, watched_at=boost.watched_at or at, asked_at=at),)
