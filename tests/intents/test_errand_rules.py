"""What becomes of an errand, as functions."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from engine.core.action import kind_of
from engine.core.errands import (
    Call,
    Done,
    Errand,
    Failed,
    Later,
    Reply,
    Standing,
    Status,
    TellPhones,
    Unknown,
    standing_after,
)
from engine.domains import CALLS
from models.intents.errands import LEASE
from workers.errands.callers import CALLERS
from workers.errands.run import batch_size

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Pay(Call, frozen=True, tag="rules.pay"):
    amount: int


class Ask(Call, frozen=True, tag="rules.ask"):
    may_repeat = True


def errand(call: Call, attempts: int = 1, status: Status = Status.CALLED) -> Errand:
    return Errand(UUID(int=1), 64, call, NOW, attempts, status)


def test_every_kind_of_call_has_one_caller_who_can_ask_where_that_is_needed() -> None:
    ours = {call for call in Call.__subclasses__() if call.__module__.startswith("engine.")}
    assert ours == set(CALLS)
    assert [caller.call for caller in CALLERS] == list(CALLS)
    for caller in CALLERS:
        assert (caller.inquire is None) == caller.call.may_repeat
        assert re.fullmatch(r"[a-z]+\.[a-z_]+", kind_of(caller.call))


def test_a_batch_ends_within_its_lease_even_if_nobody_answers() -> None:
    for caller in CALLERS:
        rounds = -(-batch_size(caller) // caller.call.at_once)
        assert timedelta(seconds=rounds * caller.call.seconds_max) < LEASE


def at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("given", "result", "expected"),
    [
        (errand(Pay(1)), Done(), None),
        (errand(Pay(1)), Later(), Standing(Status.WAITING, at(10), Pay(1))),
        (errand(Pay(1), 2), Later(), Standing(Status.WAITING, at(30), Pay(1))),
        (errand(Pay(1)), Later(77), Standing(Status.WAITING, at(77), Pay(1))),
        (errand(Pay(1)), Later(0, Pay(2)), Standing(Status.WAITING, NOW, Pay(2))),
        (errand(Pay(1), 5), Later(), Standing(Status.FAILED, NOW, Pay(1), "5 attempts")),
        (errand(Pay(1)), Failed("no"), Standing(Status.FAILED, NOW, Pay(1), "no")),
        (errand(Pay(1), 5), Unknown("?"), Standing(Status.UNKNOWN, at(600), Pay(1), "?")),
        (errand(Ask()), Unknown("?"), Standing(Status.WAITING, at(10), Ask(), "?")),
        (errand(Ask(), 5), Unknown("?"), Standing(Status.FAILED, NOW, Ask(), "?")),
        (errand(TellPhones("x", {}), 5), Later(), None),  # nobody has to look at it
        (errand(TellPhones("x", {})), Failed("no"), None),
    ],
)
def test_what_becomes_of_a_call(given: Errand, result: Reply, expected: Standing | None) -> None:
    assert standing_after(given, result, NOW) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Done(), None),
        (Unknown("?"), Standing(Status.UNKNOWN, at(600), Pay(1), "?")),
        (Later(0), Standing(Status.WAITING, NOW, Pay(1))),  # it never arrived: call after all
        (Failed("no"), Standing(Status.FAILED, NOW, Pay(1), "no")),
    ],
)
def test_asking_is_no_attempt(result: Reply, expected: Standing | None) -> None:
    assert standing_after(errand(Pay(1), 99, Status.UNKNOWN), result, NOW) == expected
