"""Tasks that are done by watching an ad (decisions 0005 and 0019)."""

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from engine.action import AnyIntent
from engine.ads import AdView, Purpose, choose_ad
from engine.claim import pay_task, task_facts
from engine.daily import TaskState
from engine.decision import Decision, House, Member
from engine.outcome import Applied, Reason, Rejected
from engine.session import COMMIT_GRACE
from engine.views import ad_result, first_view, lapsed, log_view


def serve_task_ad(state: TaskState, member: Member, intent: AnyIntent, house: House) -> Decision:
    """Serve an ad for a task, unless one is open. One that was never proved is given up."""
    at = intent.recorded_at
    payee = TaskPayee(state, intent)
    if payee.lapses_at is not None and at < payee.lapses_at:
        return Decision(
            Rejected(Reason.AD_IN_PROGRESS, "The ad of this task is still open.", payee.lapses_at)
        )
    unit = choose_ad(house.ads, Purpose.TASK, intent.id, full=house.full_ads)
    if unit is None:
        retry_at = at + timedelta(seconds=house.table.timing.ad_seconds)
        return Decision(Rejected(Reason.AD_UNAVAILABLE, "No ad can be shown now.", retry_at))
    given_up: tuple[AdView, ...] = ()
    if state.expires_at is not None and state.view_id in member.views:
        given_up = (lapsed(member.views[state.view_id], state.expires_at),)
    view = first_view(unit, intent, task_day=state.day, task_number=state.number)
    expires_at = at + timedelta(seconds=house.table.timing.proof_seconds)
    state = replace(state, view_id=view.id, expires_at=expires_at)
    return Decision(
        Applied(task_facts(state) | {"ad": ad_result(view)}),
        tasks=(state,),
        views=(*given_up, view),
        logs=(log_view(view, "TASK_START"),),
    )


class TaskPayee:
    """A task, as what its ad pays for (engine.views.Payee)."""

    purpose = Purpose.TASK

    def __init__(self, state: TaskState, intent: AnyIntent) -> None:
        self._state = state
        self._intent = intent
        self.expires_at = state.expires_at
        self.lapses_at = None if state.expires_at is None else state.expires_at + COMMIT_GRACE

    def result(self) -> dict[str, Any]:
        """The task as it stands."""
        return task_facts(self._state)

    def shows(self, view: AdView) -> Decision:
        """The task awaits another ad."""
        state = replace(self._state, view_id=view.id)
        return Decision(Applied(task_facts(state) | {"ad": ad_result(view)}), tasks=(state,))

    def waits(self, at: datetime, house: House) -> Decision:
        """The callback has one proof time to come."""
        expires_at = at + timedelta(seconds=house.table.timing.proof_seconds)
        state = replace(self._state, expires_at=expires_at)
        return Decision(Applied(task_facts(state)), tasks=(state,))

    def earns(self, view: AdView, at: datetime, member: Member, house: House) -> Decision:
        """The task is paid, by the network that showed the ad."""
        return pay_task(self._state, view.network, member, self._intent, house)

    def loses(self, at: datetime, refusal: Rejected, house: House) -> Decision:
        """The task may be begun again at once."""
        state = replace(self._state, expires_at=None, view_id=None)
        return Decision(replace(refusal, retry_at=at), tasks=(state,))
