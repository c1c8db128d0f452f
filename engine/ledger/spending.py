"""Coins that leave a wallet: how many may, and which of them go (decision 0047)."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from engine.core.conditions import Conditions
from engine.core.money import format_amount
from engine.core.outcome import Reason, Rejected
from engine.core.timeline import DAY_SECONDS, boundary_at_or_before
from engine.core.transfer import Account, Transfer, TransferType, wallet
from engine.ledger.rights import Use, draw, usable_micro
from engine.ledger.state import Purse
from engine.ledger.vesting import (
    ALLOWANCE_BEGINS,
    Terms,
    Vesting,
    prove,
    spendable_micro,
)


class Spending(Struct, frozen=True):
    """Coins that want to leave. `reference` is theirs alone: the same one leaves once."""

    amount_micro: int
    use: Use
    type: TransferType
    target: Account
    reference: str
    description: str
    metadata: dict[str, Any] = {}


def vesting_at(conditions: Conditions, at: datetime) -> Vesting:
    """What holds up an account that is not proven yet, for an intent that was recorded then."""
    terms = conditions.configuration(at)
    assert isinstance(terms, Terms), "the configuration has them"
    return terms.vesting


def spend(
    purse: Purse, spending: Spending, vesting: Vesting, at: datetime
) -> tuple[Transfer, ...] | Rejected:
    """The transfers by which coins leave, one a funding, the most restricted first; or why not."""
    assert spending.amount_micro > 0, "a spending moves something"
    usable = usable_micro(purse.holdings, spending.use)
    allowed = min(spendable_micro(purse.holder(at), vesting), usable)
    parts = draw(purse.holdings, spending.amount_micro, spending.use)
    if parts is None or spending.amount_micro > allowed:
        return _refusal(purse, spending, vesting, at, allowed)
    return tuple(
        Transfer(
            source=wallet(purse.user_id),
            target=spending.target,
            amount_micro=amount_micro,
            reference=spending.reference,
            funding=funding,
            type=spending.type,
            description=spending.description,
            metadata=spending.metadata,
            at=at,
            part=part,
        )
        for part, (funding, amount_micro) in enumerate(parts)
    )


def _refusal(
    purse: Purse, spending: Spending, vesting: Vesting, at: datetime, allowed: int
) -> Rejected:
    """How much can be spent; and when it can be, if it takes no more than another day."""
    holder = purse.holder(at)
    said = f"Of your coins, {format_amount(allowed)} TWTC can be used for this now."
    if holder.is_held:
        until = purse.held_until
        return Rejected(
            Reason.NOT_SPENDABLE, f"{said} Your account is held: see its status.", until
        )
    enough = usable_micro(purse.holdings, spending.use) >= spending.amount_micro
    if not enough:
        return Rejected(Reason.NOT_SPENDABLE, f"{said} Take less, or earn what may be used so.")
    assert not prove(holder, vesting).is_proven
    limit = format_amount(vesting.daily_limit_micro)
    said += f" Until your account is proven, {limit} TWTC a day can."
    fits = spending.amount_micro <= vesting.daily_limit_micro
    return Rejected(Reason.NOT_SPENDABLE, said, _next_allowance(at) if fits else None)


def _next_allowance(at: datetime) -> datetime:
    begun = boundary_at_or_before(at, DAY_SECONDS, ALLOWANCE_BEGINS // timedelta(seconds=1))
    return begun + timedelta(days=1)
