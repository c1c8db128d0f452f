"""Alert levels 1 to 4: they rise with each violation and decay with clean days (decision 0030)."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

LEVEL_MAX = 4
CLEAN = timedelta(days=1)
# Light ones raise the level once an hour at most, and never to a suspension.
LIGHT_PAUSE = timedelta(hours=1)
LIGHT_LEVEL_MAX = 3


class Severity(StrEnum):
    """From HIGH on, an administrator is alerted and the account stands in the review list."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


# What is serious raises the level at least so far.
LEAST = {Severity.HIGH: 2, Severity.CRITICAL: 3}


class Hold(StrEnum):
    """What keeps an account from starting anything, from the weakest on.

    COOLDOWN ends by itself, CAPTCHA by a solved one, VERIFICATION by a code sent to the address,
    REAUTHENTICATION by a sign-in with password, SUSPENDED by time or an administrator; the last
    also keeps it from whatever it began.
    """

    COOLDOWN = "COOLDOWN"
    CAPTCHA = "CAPTCHA"
    VERIFICATION = "VERIFICATION"
    REAUTHENTICATION = "REAUTHENTICATION"
    SUSPENDED = "SUSPENDED"


ORDER = {hold: place for place, hold in enumerate(Hold)}
# Of these it is in doubt who acts; the others are about how fast, and by whose hand.
WHO_ACTS = frozenset({Hold.VERIFICATION, Hold.REAUTHENTICATION, Hold.SUSPENDED})
LASTS = {
    Hold.COOLDOWN: timedelta(minutes=15),
    Hold.CAPTCHA: timedelta(days=7),
    Hold.VERIFICATION: timedelta(days=30),
    Hold.REAUTHENTICATION: timedelta(days=30),
    Hold.SUSPENDED: timedelta(days=1),
}
# Blueprint, "Anti-fraud": 1 log only, 2 cooldown, 3 CAPTCHA, 4 temporary suspension.
OF_LEVEL: Mapping[int, Hold] = {2: Hold.COOLDOWN, 3: Hold.CAPTCHA, 4: Hold.SUSPENDED}


class Violation(Struct, frozen=True):
    """What looked wrong. `hold` is what it asks for by itself, whatever the level."""

    event: str
    severity: Severity
    details: Mapping[str, object] = {}
    hold: Hold | None = None
    level: int = 0  # at least this


class Alert(Struct, frozen=True):
    """An account's level since `raised_at`, and what holds it."""

    level: int = 0
    raised_at: datetime | None = None
    hold: Hold | None = None
    hold_until: datetime | None = None


def level_at(alert: Alert, at: datetime) -> int:
    """The level after the clean days since it was raised: one less for each."""
    if alert.raised_at is None:
        return 0
    return max(0, alert.level - max(0, (at - alert.raised_at) // CLEAN))


def held_at(alert: Alert, at: datetime) -> Hold | None:
    """What holds the account at an instant."""
    if alert.hold is None or (alert.hold_until is not None and at >= alert.hold_until):
        return None
    return alert.hold


def lasts_until(alert: Alert, at: datetime) -> datetime | None:
    """When the last of it is over: the level at nothing, the hold at its end. None if it is."""
    ends = [] if alert.hold_until is None else [alert.hold_until]
    if alert.raised_at is not None:
        ends.append(alert.raised_at + alert.level * CLEAN)
    return max((end for end in ends if end > at), default=None)


def worst(alerts: Iterable[Alert], at: datetime) -> Alert | None:
    """The highest level and the strongest hold among these, or None if all of them are over."""
    lasting = [alert for alert in alerts if lasts_until(alert, at)]
    if not lasting:
        return None
    highest = max(lasting, key=lambda alert: level_at(alert, at))
    held = [(ORDER[hold], alert) for alert in lasting if (hold := held_at(alert, at))]
    _, strongest = max(held, key=lambda each: (each[0], each[1].hold_until), default=(0, Alert()))
    return Alert(highest.level, highest.raised_at, strongest.hold, strongest.hold_until)


def raise_alert(alert: Alert, violation: Violation, at: datetime) -> Alert:
    """The alert after a violation: a level up, with the stronger of the holds."""
    level = level_at(alert, at)
    is_light = violation.severity in (Severity.LOW, Severity.MEDIUM) and not violation.level
    if is_light and alert.raised_at is not None and at - alert.raised_at < LIGHT_PAUSE and level:
        return _with_hold(alert, violation.hold, at)
    most = max(level, LIGHT_LEVEL_MAX) if is_light else LEVEL_MAX
    raised = max(min(level + 1, most), LEAST.get(violation.severity, 0), violation.level)
    risen = Alert(raised, at, alert.hold, alert.hold_until)
    for hold in (OF_LEVEL.get(raised), violation.hold):
        risen = _with_hold(risen, hold, at)
    return risen


def _with_hold(alert: Alert, hold: Hold | None, at: datetime) -> Alert:
    held = held_at(alert, at)
    if hold is None or (held is not None and ORDER[held] > ORDER[hold]):
        return Alert(alert.level, alert.raised_at, held, alert.hold_until if held else None)
    return Alert(alert.level, alert.raised_at, hold, at + LASTS[hold])
