"""The examination of an intent: what the checks find in it, and in what its rule logged."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from engine.boosts.state import Boost
from engine.core.action import AnyIntent
from engine.core.conditions import Conditions
from engine.core.decision import Decision, LogEntry
from engine.core.member import Entity, Member, Part
from engine.fraud.checks import (
    Addresses,
    Histories,
    History,
    Judgement,
    Surroundings,
    judge,
    judge_answer,
)
from engine.fraud.levels import Hold, Severity, Violation, raise_alert

_WRONG = frozenset({"TASK_WRONG", "BOOST_WRONG"})
_RAISING = frozenset({Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL})


class Holds(Part[int, "HeldAccount"]):
    """The hold that an account is under from now on."""


class HeldAccount(Struct, frozen=True):
    """An account's hold has changed."""

    part = Holds
    user_id: int
    hold: Hold | None
    until: datetime | None

    @property
    def key(self) -> int:
        """The member's: there is one hold at a time."""
        return self.user_id


class Endings(Part[UUID, "Ending"]):
    """Sign-ins that a batch ends."""


class Ending(Struct, frozen=True):
    """A sign-in that is ended, for it was a duplicate."""

    part = Endings
    user_id: int
    session_id: UUID

    @property
    def key(self) -> UUID:
        """The sign-in's."""
        return self.session_id


def examine(
    member: Member, intent: AnyIntent, decision: Decision, conditions: Conditions
) -> Decision:
    """Judge an intent of the member's own and what its rule logged.

    The decision stands; the history, a hold and what looked wrong are added to it.
    """
    before = member.of(Histories).get(member.user_id)
    if before is None or not intent.action.is_own:
        return decision
    at = intent.recorded_at
    judgement = judge(before, intent, _surroundings(before, intent, conditions))
    if any(entry.event in _WRONG for entry in decision.logs):
        judgement = _with_answer(judgement, _shown_at(before, decision), at)
    alert = judgement.history.alert
    for entry in decision.logs:
        if entry.severity in _RAISING:
            alert = raise_alert(alert, Violation(entry.event, Severity(entry.severity)), at)
    history = replace(judgement.history, alert=alert)
    changed: list[Entity] = [] if history == before else [history]
    if (alert.hold, alert.hold_until) != (before.alert.hold, before.alert.hold_until):
        changed.append(HeldAccount(member.user_id, alert.hold, alert.hold_until))
    if judgement.ended_session_id is not None:
        changed.append(Ending(member.user_id, judgement.ended_session_id))
    found = [
        LogEntry(
            member.user_id,
            violation.event,
            "intent",
            intent.id,
            {**violation.details, "level": alert.level},
            violation.severity,
        )
        for violation in judgement.violations
    ]
    return replace(decision, changed=(*decision.changed, *changed), logs=(*decision.logs, *found))


def _with_answer(judgement: Judgement, shown_at: datetime | None, at: datetime) -> Judgement:
    history, violation = judge_answer(judgement.history, shown_at, at)
    found = (*judgement.violations, violation) if violation else judgement.violations
    return replace(judgement, history=history, violations=found)


def _shown_at(before: History, decision: Decision) -> datetime | None:
    """A boost's question when it was asked for; a quiz's with the decision before this one."""
    boosts = [entity for entity in decision.changed if isinstance(entity, Boost)]
    return boosts[0].asked_at if boosts else before.acted_at


def _surroundings(before: History, intent: AnyIntent, conditions: Conditions) -> Surroundings:
    ip = intent.evidence.ip
    known = conditions.of(Addresses).get(ip, Surroundings()) if ip else Surroundings()
    return known if before.is_tracked else replace(known, place=None)
