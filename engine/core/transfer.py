"""A transfer of the ledger: so much of an asset from one account to another (decision 52)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct


class Asset(StrEnum):
    """What is moved. Amounts are in millionths of it."""

    TWTC = "TWTC"


class AccountKind(StrEnum):
    """Whose account it is. Only members' wallets have a balance row; the rest are sums."""

    WALLET = "wallet"
    HELD = "held"
    TRANSIT = "transit"
    EMISSION = "emission"
    PROMOTION = "promotion"
    SPONSOR = "sponsor"
    PARTNER = "partner"
    TREASURY = "treasury"
    FEES = "fees"
    BURN = "burn"
    CHAIN = "chain"
    PAYOUT = "payout"


class Account(Struct, frozen=True):
    """Where coins come from or go to: `wallet:4711`, `emission:mining`, `burn`."""

    kind: AccountKind
    name: str = ""

    def __str__(self) -> str:
        """As the ledger spells it."""
        return f"{self.kind}:{self.name}" if self.name else str(self.kind)


def wallet(user_id: int) -> Account:
    """A member's wallet."""
    return Account(AccountKind.WALLET, str(user_id))


def emission(reward: str) -> Account:
    """Where coins of a kind of reward come into being."""
    return Account(AccountKind.EMISSION, reward)


CORRECTIONS = Account(AccountKind.TREASURY, "adjustment")
# Between two wallets: what has left the one and has not come to the other yet.
TRANSIT = Account(AccountKind.TRANSIT, "out")


class TransferType(StrEnum):
    """What a transfer is for."""

    MINING = "MINING"
    BOOST = "BOOST"
    TASK = "TASK"
    BONUS = "BONUS"
    WITHDRAWAL = "WITHDRAWAL"
    ADJUSTMENT = "ADJUSTMENT"
    TRANSFER = "TRANSFER"  # between members: sent, received, or come back


# What counts against a day's allowance when it leaves a wallet.
SPENDINGS = frozenset({TransferType.WITHDRAWAL, TransferType.TRANSFER})
# What somebody has earned in their life; a correction by hand corrects that too.
EARNINGS = frozenset(
    {
        TransferType.MINING,
        TransferType.BOOST,
        TransferType.TASK,
        TransferType.BONUS,
        TransferType.ADJUSTMENT,
    }
)
# What moves coins and is neither.
NEITHER = frozenset[TransferType]()


class Transfer(Struct, frozen=True):
    """One row of the ledger, into a member's wallet or out of it.

    The reference is unique: it makes the transfer single. One of several fundings is several rows
    with the same reference, numbered from 0 by `part`. `funding` says whose money it is: an ad
    network's name, `content` or `promotion`.
    """

    source: Account
    target: Account
    amount_micro: int
    reference: str
    funding: str
    type: TransferType
    description: str
    metadata: dict[str, Any]
    at: datetime
    asset: Asset = Asset.TWTC
    part: int = 0

    def __post_init__(self) -> None:
        """Raise AssertionError for what is no transfer."""
        assert self.amount_micro > 0, "a transfer moves something"
        assert self.is_credit != (self.source.kind is AccountKind.WALLET), "one wallet is concerned"

    @property
    def is_credit(self) -> bool:
        """Whether coins come into the wallet."""
        return self.target.kind is AccountKind.WALLET

    @property
    def is_spending(self) -> bool:
        """Whether it counts against the day's allowance of the wallet that it leaves."""
        return not self.is_credit and self.type in SPENDINGS

    @property
    def user_id(self) -> int:
        """Whose wallet it is."""
        return int((self.target if self.is_credit else self.source).name)
