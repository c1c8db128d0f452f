"""Tasks that are done by watching an ad (decisions 0005 and 0019)."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from engine.ads.proving import lapses_at, proof_time
from engine.ads.rules import first_view, lapsed, log_view
from engine.ads.state import AdView, Purpose, Views
from engine.core.action import AnyIntent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Member
from engine.core.outcome import Applied, Reason, Rejected
from engine.tasks.claim import pay_task, task_facts
from engine.tasks.state import TaskResult, TaskState


def serve_task_ad(
    state: TaskState, member: Member, intent: AnyIntent, conditions: Conditions
) -> Decision:
    """Serve an ad for a task, unless one is open. One that was never proved is given up."""
    at = intent.recorded_at
    payee = TaskPayee(state, intent)
    if payee.lapses_at is not None and at < payee.lapses_at:
        return Decision(
            Rejected(Reason.AD_IN_PROGRESS, "The ad of this task is still open.", payee.lapses_at)
        )
    pays_for = {"task_day": state.day, "task_number": state.number}
    paid_for = f"task:{state.day}:{state.number}"
    view = first_view(Purpose.TASK, paid_for, intent, conditions, **pays_for)
    if view is None:
        retry_at = at + timedelta(seconds=conditions.table.timing.ad_seconds)
        return Decision(Rejected(Reason.AD_UNAVAILABLE, "No ad can be shown now.", retry_at))
    given_up: tuple[AdView, ...] = ()
    shown = member.of(Views).get(state.view_id) if state.view_id is not None else None
    if shown is not None and state.expires_at is not None:
        given_up = (lapsed(shown, state.expires_at),)
    expires_at = at + proof_time(conditions.table)
    state = replace(state, view_id=view.id, expires_at=expires_at)
    return Decision(
        Applied(task_facts(state, view)),
        (state, *given_up, view),
        logs=(log_view(view, "TASK_START"),),
    )


class TaskPayee:
    """A task, as what its ad pays for (engine.ads.rules.Payee)."""

    purpose = Purpose.TASK

    def __init__(self, state: TaskState, intent: AnyIntent) -> None:
        self._state = state
        self._intent = intent
        self.expires_at = state.expires_at
        self.lapses_at = lapses_at(state.expires_at)

    def result(self) -> TaskResult:
        """The task as it stands."""
        return task_facts(self._state)

    def shows(self, view: AdView) -> Decision:
        """The task awaits another ad."""
        state = replace(self._state, view_id=view.id)
        return Decision(Applied(task_facts(state, view)), (state,))

    def waits(self, at: datetime, conditions: Conditions) -> Decision:
        """The callback has one proof time to come."""
        expires_at = at + proof_time(conditions.table)
        state = replace(self._state, expires_at=expires_at)
        return Decision(Applied(task_facts(state)), (state,))

    def earns(self, view: AdView, at: datetime, member: Member, conditions: Conditions) -> Decision:
        """The task is paid, as a rule by the network that showed the ad."""
        return pay_task(self._state, view.funded_by, member, self._intent, conditions)

    def loses(self, at: datetime, refusal: Rejected, conditions: Conditions) -> Decision:
        """The task may be begun again at once."""
        state = replace(self._state, expires_at=None, view_id=None)
        return Decision(replace(refusal, retry_at=at), (state,))
