"""When somebody has to be told (blueprint, "Alerts"): rules over counters of now and of before."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from engine.core.money import MICRO_PER_TWTC, format_amount

# A rise is abnormal beyond so many times what is usual at this hour of the day.
SPIKE_FACTOR = 3
# Below these numbers an hour is never abnormal: small installations would alert all the time.
REGISTRATIONS_MIN = 50
FAILED_SIGN_INS_MIN = 100
WITHDRAWN_MICRO_MIN = 10_000 * MICRO_PER_TWTC
SENT_MICRO_MIN = 10_000 * MICRO_PER_TWTC
# More than this share of requests fails, and not just a few of them.
ERROR_PERCENT_MAX = 1
ERRORS_MIN = 5


class Severity(StrEnum):
    """How it is told: CRITICAL wakes somebody, WARNING is read by day."""

    CRITICAL = "CRITICAL"
    WARNING = "WARNING"


class Alert(Struct, frozen=True):
    """What is wrong. `key` names it for as long as it lasts: it is told once, and once it is over.

    `happened_at` is of what does not last: it is only told.
    """

    key: str
    severity: Severity
    text: str
    figures: Mapping[str, int]
    happened_at: datetime | None = None


class Hour(Struct, frozen=True):
    """What an hour has had, and the same hour on each of the days before."""

    now: int
    before: Sequence[int] = ()

    @property
    def usual(self) -> int:
        """The mean of the days before, rounded up."""
        return -(-sum(self.before) // len(self.before)) if self.before else 0


class Suspicions(Struct, frozen=True):
    """Serious entries of fraud_logs since they were last told, by type; the newest one's time."""

    by_type: Mapping[str, int] = {}
    newest_at: datetime | None = None


class Credit(Struct, frozen=True):
    """Coins that were credited by hand."""

    id: str
    amount_micro: int
    applied_at: datetime


class PayChange(Struct, frozen=True):
    """A change of what is paid that was approved."""

    id: str
    kind: str
    subject: str
    decided_at: datetime


class Counters(Struct, frozen=True):
    """What the rules look at. Amounts in micro-TWTC; requests are those of the last minutes."""

    registrations: Hour = Hour(0)
    failed_sign_ins: Hour = Hour(0)
    withdrawn_micro: Hour = Hour(0)
    sent_micro: Hour = Hour(0)
    requests: int = 0
    server_errors: int = 0
    database_away: int = 0
    dead_letters: int = 0
    suspicions: Suspicions = Suspicions()
    credits: Sequence[Credit] = ()
    pay_changes: Sequence[PayChange] = ()


# What `judge` decides about: one of these that it does not return is over.
JUDGED = (
    *("registrations", "sign-ins", "withdrawals", "sendings"),
    *("errors", "database", "dead-letters"),
)


def judge(counters: Counters) -> list[Alert]:
    """What is wrong by these counters."""
    found = [
        _spike("registrations", Severity.WARNING, counters.registrations, REGISTRATIONS_MIN),
        _spike("sign-ins", Severity.WARNING, counters.failed_sign_ins, FAILED_SIGN_INS_MIN),
        _spike("withdrawals", Severity.CRITICAL, counters.withdrawn_micro, WITHDRAWN_MICRO_MIN),
        _spike("sendings", Severity.CRITICAL, counters.sent_micro, SENT_MICRO_MIN),
        _share("errors", counters.server_errors, counters.requests),
        _share("database", counters.database_away, counters.requests),
        _dead_letters(counters.dead_letters),
        _suspicions(counters.suspicions),
        *(_credit(credit) for credit in counters.credits),
        *(_pay_change(change) for change in counters.pay_changes),
    ]
    return [alert for alert in found if alert is not None]


def blind(error: str) -> Alert:
    """The counters themselves cannot be read."""
    text = f"Database trouble: the counters of the alerts cannot be read ({error})"
    return Alert("database", Severity.CRITICAL, text, {})


def books_key(first: int, last: int) -> str:
    """The key of what the audit of these buckets finds."""
    return f"books:{first}-{last}"


# The key of what the daily audit over all buckets finds.
GLOBAL_BOOKS_KEY = "books:all"


def wrong_books(key: str, broken: Mapping[str, int]) -> list[Alert]:
    """Invariants that are broken, with the number of rows that break each."""
    if not broken:
        return []
    text = f"Broken invariants: {'; '.join(sorted(broken))}"
    return [Alert(key, Severity.CRITICAL, text, broken)]


_HOURS = {
    "registrations": "registrations",
    "sign-ins": "failed sign-ins",
    "withdrawals": "TWTC withdrawn",
    "sendings": "TWTC sent to other members",
}
_OF_COINS = frozenset({"withdrawals", "sendings"})
_SHARES = {
    "errors": "were answered with a server error",
    "database": "found the database away",
}


def _spike(key: str, severity: Severity, hour: Hour, least: int) -> Alert | None:
    if hour.now < least or hour.now <= SPIKE_FACTOR * hour.usual:
        return None
    unit = MICRO_PER_TWTC if key in _OF_COINS else 1
    figures = {"now": hour.now // unit, "usual": -(-hour.usual // unit)}
    text = f"{figures['now']} {_HOURS[key]} within an hour; usual are {figures['usual']}"
    return Alert(key, severity, text, figures)


def _share(key: str, failed: int, requests: int) -> Alert | None:
    if failed < ERRORS_MIN or failed * 100 <= requests * ERROR_PERCENT_MAX:
        return None
    text = f"{failed} of {requests} requests {_SHARES[key]}"
    return Alert(key, Severity.CRITICAL, text, {"failed": failed, "requests": requests})


def _dead_letters(number: int) -> Alert | None:
    if not number:
        return None
    text = f"{number} intents could not be applied and wait as dead letters"
    return Alert("dead-letters", Severity.CRITICAL, text, {"dead_letters": number})


def _pay_change(change: PayChange) -> Alert:
    of = f" ({change.subject})" if change.subject != change.kind else ""
    text = f"What is paid was changed: {change.kind.replace('_', ' ')}{of}; look who approved it"
    return Alert(f"pay:{change.id}", Severity.CRITICAL, text, {}, change.decided_at)


def _credit(credit: Credit) -> Alert:
    amount = format_amount(credit.amount_micro)
    text = f"{amount} TWTC were credited by hand: look who proposed and who approved it"
    figures = {"amount_micro": credit.amount_micro}
    return Alert(f"credit:{credit.id}", Severity.CRITICAL, text, figures, credit.applied_at)


def _suspicions(found: Suspicions) -> Alert | None:
    if not found.by_type:
        return None
    listed = ", ".join(f"{name} {number}" for name, number in sorted(found.by_type.items()))
    text = f"Suspicious activity: {listed}"
    return Alert("fraud", Severity.WARNING, text, found.by_type, found.newest_at)
