"""What the ledger does when anything is decided."""

from msgspec.structs import replace

from engine.core.action import AnyIntent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Member
from engine.ledger.state import purse_after


def keep_purse(
    member: Member, intent: AnyIntent, decision: Decision, conditions: Conditions
) -> Decision:
    """Coins that came or went are seen by the intents that follow, in this batch as in the next."""
    purse = purse_after(member, decision) if decision.transfers else None
    if purse is None:
        return decision
    for transfer in decision.transfers:
        purse = purse.after(transfer)
    return replace(decision, changed=(*decision.changed, purse))


# After all others: they may pay, too.
LAST_REACTIONS = (keep_purse,)
