"""What a superadmin may set, in versions that hold from an instant on (decision 0028)."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import field

from engine.core.limit import Limit
from engine.core.money import MICRO_PER_TWTC
from engine.core.text import line
from engine.ledger.vesting import Terms
from engine.tasks.state import TASKS_PER_DAY, Category

# A session's reward times its length in microseconds has to fit into 63 bits.
BASE_RATE_MICRO_MAX = 150 * MICRO_PER_TWTC
BONUS_MICRO_MAX = 10_000 * MICRO_PER_TWTC
BOOSTS_PER_DAY_MAX = 20
WINDOW_SECONDS_MAX = 30 * 86_400
QUOTA_MAX = 1_000_000
# Whoever loses an address has a day to see what is told, and some to take it back.
CONTACT_WAIT_HOURS = (24, 30 * 24)
CONTACT_BACK_DAYS = (3, 90)
# Of `Vesting`: the least and the most of each. A year of days; a score of 101 is above any.
VESTING_RANGES = {
    "daily_limit_micro": (0, 1_000_000 * MICRO_PER_TWTC),
    "days": (0, 365),
    "days_one_address": (0, 365),
    "score_below": (1, 101),
}

# Blueprint, "Security": per user or, before sign-in, per account named; and per address.
# A status poll that has nothing new to tell counts against none of them (decision 0029).
LIMITS = {
    "address": Limit(100, 60),
    "registrations": Limit(3, 3_600),
    # Per domain that is not widely known, over all networks.
    "domain_day": Limit(3, 86_400),
    "domain_month": Limit(20, 30 * 86_400),
    "sign_ins": Limit(5, 900),
    "mining": Limit(12, 14_400),
    "tasks": Limit(120, 86_400),
    "wallet": Limit(10, 3_600),
    "member": Limit(300, 60),
}


# Blueprint, "Daily tasks": the full mix.
TASK_MIX = {Category.ADS: 8, Category.CONTENT: 6, Category.QUIZ: 4, Category.SOCIAL: 2}


class Configuration(Terms, frozen=True, forbid_unknown_fields=True):
    """Rates, limits, mix, vesting. The stagger is the timing's, which `twtc release` sets."""

    bonus_micro: int = 50 * MICRO_PER_TWTC
    task_mix: dict[Category, int] = field(default_factory=TASK_MIX.copy)
    limits: dict[Annotated[str, line(40)], Limit] = field(default_factory=LIMITS.copy)
    # A change of address that the former one does not confirm waits; then it can be taken back.
    contact_wait_hours: int = 48
    contact_back_days: int = 7


class ConfigurationError(ValueError):
    """A configuration that cannot be; the message says what is wrong."""


def with_all_limits(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Limits as a release before stored them, with the default of each that it did not know."""
    return {name: stored.get(name, default) for name, default in LIMITS.items()}


def check_configuration(settings: Configuration) -> None:
    """Raise ConfigurationError for values outside what the engine and its tables can hold."""
    ranges = {
        "base_rate_micro_per_hour": (1, BASE_RATE_MICRO_MAX),
        "boosts_per_day": (0, BOOSTS_PER_DAY_MAX),
        "bonus_micro": (1, BONUS_MICRO_MAX),
        "contact_wait_hours": CONTACT_WAIT_HOURS,
        "contact_back_days": CONTACT_BACK_DAYS,
    }
    for name, (least, most) in ranges.items():
        if not least <= getattr(settings, name) <= most:
            raise ConfigurationError(f"{name} must be from {least} to {most}")
    mix = settings.task_mix
    if sum(mix.values()) != TASKS_PER_DAY or min(mix.values()) < 0:
        raise ConfigurationError(f"task_mix must name {TASKS_PER_DAY} tasks")
    if settings.limits.keys() != LIMITS.keys():
        raise ConfigurationError(f"limits must name {', '.join(sorted(LIMITS))}")
    for name, limit in settings.limits.items():
        if not (1 <= limit.quota <= QUOTA_MAX and 1 <= limit.window_seconds <= WINDOW_SECONDS_MAX):
            raise ConfigurationError(
                f"limits.{name} must be 1 to {QUOTA_MAX} within 1 to {WINDOW_SECONDS_MAX} seconds"
            )
    for name, (least, most) in VESTING_RANGES.items():
        if not least <= getattr(settings.vesting, name) <= most:
            raise ConfigurationError(f"vesting.{name} must be from {least} to {most}")
    if settings.vesting.days_one_address < settings.vesting.days:
        raise ConfigurationError("vesting.days_one_address must be vesting.days or more")
