"""What coins may be used for, by what paid for them (decision 52).

A funding's rights are fixed when it is made. Whatever is derived from a reward carries the funding
of its base; fixed bonuses are `promotion`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

CONTENT, PROMOTION = "content", "promotion"
# What corrections and spendings said before there were holdings.
UNNAMED = frozenset({"adjustment", "wallet"})


class Use(StrEnum):
    """What coins can be spent on."""

    GOODS = "GOODS"  # the operator's own digital goods
    TRAVEL = "TRAVEL"  # travel and discounts, of partners
    PEOPLE = "PEOPLE"
    WITHDRAWAL = "WITHDRAWAL"


# Google forbids more than goods. The other networks' terms may allow more once the operator has
# read them; until then what they paid has the same rights, and goes after Google's.
_GOOGLE = ("admob", "google")
_OWN = frozenset({CONTENT, PROMOTION, "house"})
_LEAST = frozenset({Use.GOODS})
_MORE = frozenset({Use.GOODS, Use.TRAVEL})
# Somebody has paid for these coins: the name after the colon says who.
_PAID = ("direct:", "sponsor:", "deposit:")
_ALL = frozenset(Use)


def rights_of(funding: str) -> frozenset[Use]:
    """What coins of a funding may be used for. Of an unknown one: no more than of an ad."""
    if funding.startswith(_PAID):
        return _ALL
    return _MORE if funding in _OWN else _LEAST


def restriction(funding: str) -> tuple[int, bool, str]:
    """A key that sorts the most restricted funding first."""
    return len(rights_of(funding)), not funding.startswith(_GOOGLE), funding


def bounded(fallback: str, drawn: str) -> str:
    """The funding of a fallback's reward: never with more rights than what was drawn first."""
    return fallback if rights_of(fallback) <= rights_of(drawn) else drawn


def usable_micro(holdings: Mapping[str, int], use: Use) -> int:
    """How much of what is held, by funding, may be used for something."""
    return sum(held for funding, held in holdings.items() if use in rights_of(funding))


def draw(
    holdings: Mapping[str, int], amount_micro: int, use: Use | None = None
) -> list[tuple[str, int]] | None:
    """Which coins pay an amount: of those that the use allows, the most restricted first.

    `use` is None for a correction by hand, which takes any. None if there are too few.
    """
    parts, left = [], amount_micro
    for funding in sorted(holdings, key=restriction):
        if left and holdings[funding] and (use is None or use in rights_of(funding)):
            parts.append((funding, min(left, holdings[funding])))
            left -= parts[-1][1]
    return None if left else parts


class Unposted(Struct, frozen=True):
    """A row of the ledger that is in its wallet, and in no funding yet."""

    id: UUID
    type: str
    funding: str
    amount_micro: int
    is_credit: bool


def spread(
    entries: Sequence[Unposted], holdings: Mapping[str, int]
) -> list[tuple[Unposted, str, int]]:
    """Which fundings rows of one wallet stand for: credits first, then debits as by hand."""
    held = Counter(holdings)
    parts = []
    for entry in sorted(entries, key=lambda entry: not entry.is_credit):
        if entry.is_credit:
            funding = PROMOTION if entry.funding in UNNAMED else entry.funding
            drawn = [(funding, entry.amount_micro)]
            held[funding] += entry.amount_micro
        else:
            found = draw(held, entry.amount_micro)
            assert found is not None, "a wallet never holds less than nothing"
            drawn = found
            held.subtract(dict(drawn))
        parts += [(entry, funding, amount) for funding, amount in drawn]
    return parts
