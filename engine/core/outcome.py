"""What became of an intent, and why it was refused if it was."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

Instant = Annotated[datetime, Meta(tz=True)]  # so that the document calls it a date-time


class Reason(StrEnum):
    """Why an intent was refused. Stable: clients branch on it."""

    ACCOUNT_DISABLED = "ACCOUNT_DISABLED"
    VERIFICATION_REQUIRED = "VERIFICATION_REQUIRED"
    WINDOW_CLOSED = "WINDOW_CLOSED"
    ALREADY_MINING = "ALREADY_MINING"
    AD_IN_PROGRESS = "AD_IN_PROGRESS"
    AD_UNAVAILABLE = "AD_UNAVAILABLE"
    AD_NOT_STARTED = "AD_NOT_STARTED"
    AD_TOO_SHORT = "AD_TOO_SHORT"
    AD_EXPIRED = "AD_EXPIRED"
    AD_MISMATCH = "AD_MISMATCH"
    VIEW_CLOSED = "VIEW_CLOSED"
    VIEW_UNKNOWN = "VIEW_UNKNOWN"
    NOT_MINING = "NOT_MINING"
    SESSION_ENDS = "SESSION_ENDS"
    VIDEO_UNKNOWN = "VIDEO_UNKNOWN"
    VIDEO_USED = "VIDEO_USED"
    BOOSTS_USED_UP = "BOOSTS_USED_UP"
    DURATION_UNKNOWN = "DURATION_UNKNOWN"
    BOOST_UNKNOWN = "BOOST_UNKNOWN"
    BOOST_CLOSED = "BOOST_CLOSED"
    WATCH_INCOMPLETE = "WATCH_INCOMPLETE"
    QUESTION_NOT_ASKED = "QUESTION_NOT_ASKED"
    VIDEO_WATCHED = "VIDEO_WATCHED"
    ANSWER_LATE = "ANSWER_LATE"
    TASK_UNKNOWN = "TASK_UNKNOWN"
    TASK_LOCKED = "TASK_LOCKED"
    TASK_CLOSED = "TASK_CLOSED"
    TASK_NOT_STARTED = "TASK_NOT_STARTED"
    TASK_OF_ANOTHER_KIND = "TASK_OF_ANOTHER_KIND"
    READ_TOO_SHORT = "READ_TOO_SHORT"
    DAY_CLOSED = "DAY_CLOSED"
    ADJUSTMENT_REFUSED = "ADJUSTMENT_REFUSED"
    NOT_SPENDABLE = "NOT_SPENDABLE"
    SENT_TO_SELF = "SENT_TO_SELF"
    COOLDOWN = "COOLDOWN"
    CAPTCHA_REQUIRED = "CAPTCHA_REQUIRED"
    REAUTHENTICATION_REQUIRED = "REAUTHENTICATION_REQUIRED"
    SUSPENDED = "SUSPENDED"


class Result(Struct, frozen=True):
    """What an applied intent brings. Each kind names its own (`engine.core.action`).

    It is stored and shown as it is, and both outlive a release: fields are only added, with a
    default.
    """


class Nothing(Result, frozen=True):
    """It took effect, and that is all there is to tell."""


class Applied(Struct, frozen=True, tag_field="status", tag="APPLIED"):
    """The intent took effect; `result` is what the client needs next."""

    result: Result


class Rejected(Struct, frozen=True, tag_field="status", tag="REJECTED"):
    """The intent was refused. `retry_at` is when the same wish may succeed, if ever."""

    reason: Reason
    detail: str
    retry_at: datetime | None = None


Outcome = Applied | Rejected
