"""What the examination for fraud adds to every decision."""

from msgspec.structs import replace

from engine.core.action import AnyIntent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Member
from engine.fraud.examination import HeldAccount, examine
from engine.ledger.state import purse_after


def hold_purse(
    member: Member, intent: AnyIntent, decision: Decision, conditions: Conditions
) -> Decision:
    """Whoever is held by a decision spends nothing by the next one, in this batch as in another."""
    held = [entity for entity in decision.changed if isinstance(entity, HeldAccount)]
    purse = purse_after(member, decision) if held else None
    if purse is None:
        return decision
    purse = replace(purse, is_held=held[-1].hold is not None, held_until=held[-1].until)
    return replace(decision, changed=(*decision.changed, purse))


REACTIONS = (examine, hold_purse)
