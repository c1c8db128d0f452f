"""What boosts do when something else is decided (engine.decide)."""

from msgspec.structs import replace

from engine.ads.state import AdView
from engine.boosts.state import ABANDONED, Boosts, BoostStatus, failed_boost
from engine.core.action import AnyIntent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Member


def leave_for_ad(
    member: Member, intent: AnyIntent, decision: Decision, conditions: Conditions
) -> Decision:
    """Give up what is being watched when an ad begins to play."""
    at = intent.recorded_at
    if not any(isinstance(e, AdView) and e.started_at == at for e in decision.changed):
        return decision
    left = tuple(
        failed_boost(boost, at, ABANDONED)
        for boost in member.of(Boosts).values()
        if boost.status is BoostStatus.WATCHING and boost.started_at <= at < boost.watched_by
    )
    return replace(decision, changed=(*decision.changed, *left))


REACTIONS = (leave_for_ad,)
