"""Vesting: how much of what an account holds may be spent or leave (decision 0047).

Everybody earns and sees coins alike. Until an account is proven (days on which it was active,
addresses, score), only so much of it can leave a wallet a day: what a farm of fresh accounts can
take is bounded, whatever its score says.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from engine.core.money import MICRO_PER_TWTC
from engine.core.timeline import utc_day
from engine.core.versions import Rates

# By then the night's score is known: whom it holds up has had no new day's allowance.
ALLOWANCE_BEGINS = timedelta(hours=2)


class Vesting(Struct, frozen=True, forbid_unknown_fields=True):
    """When an account is proven, and what may leave it a day until then.

    `days` are needed with e-mail and phone verified, `days_one_address` with only one of them.
    """

    daily_limit_micro: int = 100 * MICRO_PER_TWTC
    days: int = 7
    days_one_address: int = 14
    score_below: int = 31


class Terms(Rates, frozen=True, forbid_unknown_fields=True):
    """Rates, and what holds up whom."""

    vesting: Vesting = Vesting()


class Missing(StrEnum):
    """What would bring an account nearer to being proven. Stable: clients word them."""

    DAYS = "DAYS"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    SCORE = "SCORE"


class Holder(Struct, frozen=True):
    """What is known of an account when it wants to spend.

    `spent_micro` has left on the day in question; `days` are those over on which it was active;
    `score` is the latest night's, None if there is none: then nothing speaks against it. `is_held`:
    by a hold of whatever kind, or switched off.
    """

    settled_micro: int
    spent_micro: int
    days: int
    has_email: bool
    has_phone: bool
    score: int | None
    is_held: bool = False


class Proof(Struct, frozen=True):
    """Whether an account is proven, and what is missing."""

    is_proven: bool
    missing: tuple[Missing, ...]
    days: int
    days_needed: int


def allowance_day(at: datetime) -> date:
    """The day whose allowance holds at an instant: each lasts from 02:00 UTC to the next 02:00."""
    return utc_day(at - ALLOWANCE_BEGINS)


def prove(holder: Holder, rules: Vesting) -> Proof:
    """Whether an account is proven. An address is missing only while it would shorten the wait."""
    has_both = holder.has_email and holder.has_phone
    needed = rules.days if has_both else rules.days_one_address
    missing = []
    if holder.days < needed:
        missing.append(Missing.DAYS)
        if rules.days < rules.days_one_address:
            missing += [Missing.EMAIL] * (not holder.has_email)
            missing += [Missing.PHONE] * (not holder.has_phone)
    if holder.score is not None and holder.score >= rules.score_below:
        missing.append(Missing.SCORE)
    return Proof(not missing, tuple(missing), holder.days, needed)


def spendable_micro(holder: Holder, rules: Vesting) -> int:
    """How much may be spent or leave at once now. Only settled coins may, and none while held."""
    if holder.is_held:
        return 0
    if prove(holder, rules).is_proven:
        return holder.settled_micro
    return max(0, min(holder.settled_micro, rules.daily_limit_micro - holder.spent_micro))


def spendable_bound_micro(
    settled_by_day: Sequence[int], rules: Vesting, proven_from: int | None = None
) -> int:
    """At most so much can have left an account by the end of its last day.

    `settled_by_day` is what it was paid on each day of its life, up to the day of its hold;
    `proven_from` is the index of the day on which it became proven, None if it never did.
    """
    held = spent = 0
    for number, settled in enumerate(settled_by_day):
        held += settled
        is_proven = proven_from is not None and number >= proven_from
        leaving = held if is_proven else min(held, rules.daily_limit_micro)
        held -= leaving
        spent += leaving
    return spent
