"""What a domain gives the whole: rules for its kinds of intents, and reactions to all decisions."""

from collections.abc import Callable
from typing import Any

from engine.core.action import AnyIntent, Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Member

Rule = Callable[[Member, Intent[Any], Conditions], Decision]
# Given the decision with what the ones before added to it; returns it with what it adds itself.
Reaction = Callable[[Member, AnyIntent, Decision, Conditions], Decision]
