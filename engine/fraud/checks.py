"""The checks on an intent: pure rules over its evidence and the account's history.

Blueprint, "Anti-fraud": time, session, device and geolocation; behaviour is scored once a day from
what was recorded (engine/fraud/anomaly).
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from engine.core.action import AnyIntent, kind_of
from engine.core.member import Part
from engine.fraud.actions import FlagUser
from engine.fraud.blind import count_blind, is_blind, judge_blind
from engine.fraud.levels import Alert, Hold, Severity, Violation, raise_alert
from engine.fraud.places import Place, distance_km, is_impossible

TOO_SOON = timedelta(seconds=1)
AT_ONCE = timedelta(seconds=30)
# Who has just proved to be a person is not asked again for the same kind of address.
TRUSTED = timedelta(days=7)
ACCOUNTS_PER_DEVICE_MAX = 3

_ADDRESS_SEVERITY = {
    "VPN": Severity.LOW,
    "DATACENTRE": Severity.LOW,
    "TOR": Severity.MEDIUM,
    "BANNED": Severity.HIGH,
}


class Histories(Part[int, "History"]):
    """A member's history: there is one."""


class History(Struct, frozen=True):
    """What is remembered of an account between intents. `place` only of who may be tracked."""

    part = Histories
    user_id: int
    alert: Alert = Alert()
    acted_at: datetime | None = None
    seen_at: datetime | None = None
    session_id: UUID | None = None
    ip: str | None = None
    place: Place | None = None
    placed_at: datetime | None = None
    trusted_until: datetime | None = None
    blind_count: int = 0
    blind_at: datetime | None = None
    is_tracked: bool = True

    @property
    def key(self) -> int:
        """The member's: a history is all there is of it."""
        return self.user_id


class Surroundings(Struct, frozen=True):
    """What is known about an intent's address: where it is, and which list it stands on."""

    place: Place | None = None
    listed: str | None = None


class Addresses(dict[str, Surroundings]):
    """What is known about the addresses of a batch."""


class Judgement(Struct, frozen=True):
    """The history from now on, what looked wrong, and a sign-in to be ended."""

    history: History
    violations: tuple[Violation, ...] = ()
    ended_session_id: UUID | None = None


def judge(history: History, intent: AnyIntent, around: Surroundings) -> Judgement:
    """Check one intent of a member's own."""
    at = intent.recorded_at
    if isinstance(intent.action, FlagUser):
        return _judged(history, [_flagged(intent.action)], at, None)
    session_id, ip = intent.evidence.session, intent.evidence.ip
    found: list[Violation] = []
    is_decision = intent.action.is_decision
    if is_decision and history.acted_at is not None:
        pause = at - history.acted_at
        if timedelta(0) <= pause < TOO_SOON:
            details = {"kind": kind_of(intent.action), "after_seconds": pause.total_seconds()}
            found.append(Violation("SUSPICIOUS_TIMING", Severity.LOW, details))
    ended = _duplicate(history, session_id, ip, at)
    if ended is not None:
        found.append(
            Violation("DUPLICATE_SESSION", Severity.MEDIUM, {"ended_session_id": str(ended)})
        )
    if around.place is not None and history.place is not None and history.placed_at is not None:
        between = at - history.placed_at
        if is_impossible(history.place, around.place, between):
            details = {
                "kilometres": round(distance_km(history.place, around.place)),
                "seconds": round(between.total_seconds()),
            }
            hold = Hold.REAUTHENTICATION
            found.append(Violation("IMPOSSIBLE_TRAVEL", Severity.HIGH, details, hold))
    is_trusted = history.trusted_until is not None and at < history.trusted_until
    if around.listed is not None and not is_trusted:
        severity = _ADDRESS_SEVERITY[around.listed]
        details = {"list": around.listed}
        found.append(Violation("BAD_ADDRESS", severity, details, Hold.VERIFICATION))
    seen = replace(
        history,
        acted_at=_later(history.acted_at, at) if is_decision else history.acted_at,
        seen_at=_later(history.seen_at, at),
        session_id=session_id or history.session_id,
        ip=ip or history.ip,
        place=around.place or history.place,
        placed_at=at if around.place is not None else history.placed_at,
    )
    return _judged(seen, found, at, ended)


def judge_answer(
    history: History, shown_at: datetime | None, at: datetime
) -> tuple[History, Violation | None]:
    """Judge a wrong answer to a question that was shown at an instant, by how fast it came."""
    if not is_blind(shown_at, at):
        return history, None
    assert shown_at is not None
    count = count_blind(history.blind_count, history.blind_at, at)
    history = replace(history, blind_count=count, blind_at=at)
    violation = judge_blind(count, at - shown_at)
    if violation is not None:
        history = replace(history, alert=raise_alert(history.alert, violation, at))
    return history, violation


def _judged(
    history: History, found: list[Violation], at: datetime, ended: UUID | None
) -> Judgement:
    alert = history.alert
    for violation in found:
        alert = raise_alert(alert, violation, at)
    return Judgement(replace(history, alert=alert), tuple(found), ended)


def _flagged(action: FlagUser) -> Violation:
    hold = Hold(action.hold) if action.hold else None
    return Violation(action.event, Severity(action.severity), action.details, hold, action.level)


def _duplicate(
    history: History, session_id: UUID | None, ip: str | None, at: datetime
) -> UUID | None:
    """Two sign-ins at once from two addresses: the later one is the duplicate."""
    known = history.session_id
    if None in (known, session_id, history.seen_at) or known == session_id:
        return None
    assert history.seen_at is not None and session_id is not None and known is not None
    if not timedelta(0) <= at - history.seen_at < AT_ONCE or ip == history.ip:
        return None
    return max(session_id, known)


def _later(before: datetime | None, at: datetime) -> datetime:
    return at if before is None else max(before, at)
