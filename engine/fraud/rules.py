"""A flag has no rule of its own: what it brings, the examination says (engine.fraud.checks)."""

from engine.core.action import Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Member
from engine.core.outcome import Applied, Nothing
from engine.fraud.actions import FlagUser


def flag(member: Member, intent: Intent[FlagUser], conditions: Conditions) -> Decision:
    """Taken note of."""
    return Decision(Applied(Nothing()))


RULES = {FlagUser: flag}
