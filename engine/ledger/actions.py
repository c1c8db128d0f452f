"""What is asked of the ledger: upkeep, corrections, and coins from one member to another.

A sending is an intent of the sender's, and what arrives one of the receiver's: a transaction is of
one bucket (decision 0056).
"""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from engine.core.action import Action
from engine.core.money import Amount
from engine.core.outcome import Nothing, Result

BIGINT_MAX = 2**63 - 1

UserId = Annotated[int, Meta(ge=1, le=BIGINT_MAX)]
Micro = Annotated[int, Meta(gt=0, le=BIGINT_MAX)]


class LedgerFolded(Result, frozen=True):
    """How many rows of the ledger were brought in."""

    folded: int


class FoldLedger(Action, frozen=True, tag="ledger.fold"):
    """Bring into the holdings what a worker of the release before wrote into the ledger."""

    results = (LedgerFolded,)


class Adjusted(Result, frozen=True):
    """What was moved: `direction` is CREDIT or DEBIT."""

    adjustment_id: UUID
    amount_micro: int
    direction: str


class ApplyAdjustment(Action, frozen=True, tag="adjustment.apply"):
    """Move the coins of an approved adjustment."""

    results = (Adjusted,)

    adjustment_id: UUID


class Portion(Struct, frozen=True, array_like=True):
    """So many coins of one funding."""

    funding: str
    amount_micro: Micro


class CoinsSent(Result, frozen=True):
    """They have left the sender's wallet, and are on their way."""

    to_user_id: int
    amount: Amount


class SendCoins(Action, frozen=True, tag="coins.send"):
    """Give coins to another member."""

    is_start = True
    is_decision = True
    is_spending = True
    results = (CoinsSent,)

    to_user_id: UserId
    amount_micro: Micro


class ReceiveCoins(Action, frozen=True, tag="coins.receive"):
    """What another member has sent; `sending_id` is their intent's."""

    is_own = False
    is_delivery = True
    results = (Nothing,)

    sending_id: UUID
    from_user_id: UserId
    portions: tuple[Portion, ...]


class ReturnCoins(Action, frozen=True, tag="coins.return"):
    """What one has sent oneself, and could not be received."""

    is_own = False
    is_delivery = True
    results = (Nothing,)

    sending_id: UUID
    to_user_id: UserId
    portions: tuple[Portion, ...]
