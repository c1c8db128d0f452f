"""What the rules see of a wallet whose owner wants to spend."""

from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from engine.core.decision import Decision
from engine.core.member import Member, Part
from engine.core.transfer import Transfer
from engine.ledger.vesting import Holder, allowance_day


class Purses(Part[int, "Purse"]):
    """The purses of members who spend in a batch."""


class Purse(Struct, frozen=True):
    """Settled coins by whose money they are, what has left by day, and what is known of the owner.

    `spent` has the days whose allowance the batch asks for. `held_until` is None for a hold that
    no time ends.
    """

    part = Purses
    user_id: int
    holdings: Mapping[str, int]
    spent: Mapping[date, int]
    days: int = 0
    has_email: bool = False
    has_phone: bool = False
    score: int | None = None
    is_held: bool = False
    held_until: datetime | None = None

    @property
    def key(self) -> int:
        """The owner's: everybody has one."""
        return self.user_id

    def holder(self, at: datetime) -> Holder:
        """Its owner, as whoever wants to spend at an instant."""
        return Holder(
            settled_micro=sum(self.holdings.values()),
            spent_micro=self.spent.get(allowance_day(at), 0),
            days=self.days,
            has_email=self.has_email,
            has_phone=self.has_phone,
            score=self.score,
            is_held=self.is_held and (self.held_until is None or at < self.held_until),
        )

    def after(self, transfer: Transfer) -> "Purse":
        """As a transfer leaves it."""
        change = transfer.amount_micro if transfer.is_credit else -transfer.amount_micro
        held = self.holdings.get(transfer.funding, 0) + change
        purse = replace(self, holdings={**self.holdings, transfer.funding: held})
        if not transfer.is_spending:
            return purse
        day = allowance_day(transfer.at)
        spent = self.spent.get(day, 0) + transfer.amount_micro
        return replace(purse, spent={**self.spent, day: spent})


def purse_after(member: Member, decision: Decision) -> Purse | None:
    """A member's purse as a decision has left it so far; None if nobody needs it."""
    changed = [entity for entity in decision.changed if isinstance(entity, Purse)]
    return changed[-1] if changed else member.of(Purses).get(member.user_id)
