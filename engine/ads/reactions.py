"""What ads do when anything is decided."""

from engine.ads.state import AdOffer, AdView
from engine.core.action import AnyIntent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Member


def count_request(
    member: Member, intent: AnyIntent, decision: Decision, conditions: Conditions
) -> Decision:
    """Take what was served from its unit's requests."""
    for view in decision.changed:
        if isinstance(view, AdView) and view.id == intent.id:
            conditions.of(AdOffer).take(view.ad_id)
    return decision


REACTIONS = (count_request,)
