"""TWTC amounts: integers of micro-TWTC inside, decimal strings outside (decision 0006)."""

from typing import Annotated

from msgspec import Meta

MICRO_PER_TWTC = 1_000_000

Amount = Annotated[str, Meta(description="Decimal TWTC.")]

# Blueprint, "Mining cycle": base_reward = BASE_RATE x 4 (hours). A cycle counts as four hours
# in every profile, so a shortened cycle pays the same coins.
BASE_RATE_MICRO_PER_HOUR = 25 * MICRO_PER_TWTC
HOURS_PER_CYCLE = 4
BASE_REWARD_MICRO = BASE_RATE_MICRO_PER_HOUR * HOURS_PER_CYCLE


def parse_amount(twtc: str) -> int:
    """A decimal string in micro-TWTC. Raise ValueError for any other."""
    whole, _, fraction = twtc.partition(".")
    if len(fraction) > 6:
        raise ValueError(f"{twtc} is finer than a micro-TWTC")
    return int(whole) * MICRO_PER_TWTC + int(fraction.ljust(6, "0"))


def format_amount(micro: int) -> str:
    """Micro-TWTC as a decimal string with six places: 100_000_000 -> "100.000000"."""
    sign = "-" if micro < 0 else ""
    whole, fraction = divmod(abs(micro), MICRO_PER_TWTC)
    return f"{sign}{whole}.{fraction:06d}"
