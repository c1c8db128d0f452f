"""Errands: what is asked of somebody outside, and what becomes of it (decision 0054).

Each is a row before anybody is called, and its id is the key by which the provider knows it:

    WAITING ── claimed ──▶ CALLED ── Done ──▶ gone, with its answer as an intent
       ▲                     │ Later, or the worker died with a call that may be repeated
       ├─────────────────────┤
       │                     │ Unknown, or the worker died with one that may not
       │  it never arrived   ▼
       └───────────────── UNKNOWN ── asked about until it is known
                             │ Failed, or too many attempts
                             ▼
                          FAILED: a dead letter, which an operator revives
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from msgspec import Struct

from engine.core.action import Action


class Call(Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """What is asked of whom. The tag is the errand's kind, `noun.verb`; what is true of it is said
    here."""

    may_repeat: ClassVar[bool] = False
    """Asked twice it does no harm. Of any other that was not answered somebody asks first."""
    is_dispensable: ClassVar[bool] = False
    """If it fails for good it is dropped: nobody has to look at it."""
    seconds_max: ClassVar[int] = 25
    """A call that takes longer is given up."""
    at_once: ClassVar[int] = 20
    """So many of a bucket are under way at a time."""
    attempts_max: ClassVar[int] = 5
    backoff_seconds: ClassVar[tuple[int, ...]] = (10, 30, 120, 600)


class TellPhones(Call, frozen=True, tag="phones.tell", omit_defaults=True):
    """Tell a member's phones what their inbox says. `told` are those that need it no more."""

    may_repeat = True  # a repeat takes the place of what it repeats
    is_dispensable = True

    note: str
    params: dict[str, Any]
    told: tuple[str, ...] = ()


class Status(StrEnum):
    """What an errand waits for."""

    WAITING = "WAITING"
    CALLED = "CALLED"
    UNKNOWN = "UNKNOWN"
    FAILED = "FAILED"


class Errand(Struct, frozen=True):
    """A call of a member's. `id` is the key that the provider is given."""

    id: UUID
    user_id: int
    call: Call
    created_at: datetime
    attempts: int = 0
    status: Status = Status.WAITING


class Done(Struct, frozen=True):
    """It is done; what came of it, if the member has something of it, is an intent of theirs."""

    answer: Action | None = None


class Later(Struct, frozen=True):
    """It was not done: once more, in so many seconds, or as its kind backs off. `call` is what is
    left of it."""

    seconds: float | None = None
    call: Call | None = None


class Failed(Struct, frozen=True):
    """It can never be done as it is."""

    reason: str


class Unknown(Struct, frozen=True):
    """Nobody knows whether it was done."""

    reason: str


Reply = Done | Later | Failed | Unknown


class Standing(Struct, frozen=True):
    """Where an errand stands after a call."""

    status: Status
    due_at: datetime
    call: Call
    error: str | None = None


def backoff_seconds(errand: Errand) -> int:
    """How long its kind waits after so many attempts."""
    waits = errand.call.backoff_seconds
    return waits[min(max(errand.attempts, 1), len(waits)) - 1]


def standing_after(errand: Errand, reply: Reply, now: datetime) -> Standing | None:
    """Where a claimed errand stands after it was called or asked about; None if it is over.

    What is unknown stays so until it is known, and is no failure. A call that may be repeated is
    never unknown.
    """
    call, backoff = errand.call, now + timedelta(seconds=backoff_seconds(errand))
    match reply:
        case Done():
            return None
        case Failed(reason):
            return _given_up(errand, reason, now)
        case Unknown(reason) if not call.may_repeat:
            return Standing(Status.UNKNOWN, backoff, call, reason)
        case Unknown(reason):
            return _again(errand, call, backoff, reason, now)
        case Later(seconds, left):
            due_at = backoff if seconds is None else now + timedelta(seconds=seconds)
            return _again(errand, left or call, due_at, None, now)


def _again(
    errand: Errand, call: Call, due_at: datetime, error: str | None, now: datetime
) -> Standing | None:
    was_called = errand.status is Status.CALLED  # and not only asked about
    if was_called and errand.attempts >= call.attempts_max:
        return _given_up(errand, error or f"{errand.attempts} attempts", now)
    return Standing(Status.WAITING, due_at, call, error)


def _given_up(errand: Errand, reason: str, now: datetime) -> Standing | None:
    if errand.call.is_dispensable:
        return None
    return Standing(Status.FAILED, now, errand.call, reason)
