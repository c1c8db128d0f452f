"""When somebody has to be told: the rules alone."""

from typing import Any

import pytest

from engine.operations.alerts import (
    JUDGED,
    Alert,
    Counters,
    Hour,
    Severity,
    Suspicions,
    blind,
    books_key,
    judge,
    wrong_books,
)
from tests.kit.words import START

WEEK = (100, 110, 90, 100, 100, 100, 100)


def _one(name: str, hour: Hour) -> Counters:
    values: dict[str, Any] = {name: hour}
    return Counters(**values)


def keys(counters: Counters) -> list[str]:
    return [alert.key for alert in judge(counters)]


def test_when_nothing_is_counted_nothing_is_wrong() -> None:
    assert judge(Counters()) == []


@pytest.mark.parametrize(
    ("name", "key", "severity", "unit"),
    [
        ("registrations", "registrations", Severity.WARNING, 1),
        ("failed_sign_ins", "sign-ins", Severity.WARNING, 1),
        ("withdrawn_micro", "withdrawals", Severity.CRITICAL, 1_000_000_000),
        ("sent_micro", "sendings", Severity.CRITICAL, 1_000_000_000),
    ],
)
def test_a_spike_is_more_than_three_times_the_usual(
    name: str, key: str, severity: Severity, unit: int
) -> None:
    usual = [number * unit for number in WEEK]
    assert judge(_one(name, Hour(300 * unit, usual))) == []
    [alert] = judge(_one(name, Hour(301 * unit, usual)))
    assert (alert.key, alert.severity) == (key, severity)
    thousands = max(1, unit // 1_000_000)
    assert alert.figures == {"now": 301 * thousands, "usual": 100 * thousands}
    assert alert.text.startswith(f"{301 * thousands} ")


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("registrations", 50),
        ("failed_sign_ins", 100),
        ("withdrawn_micro", 10_000_000_000),
        ("sent_micro", 10_000_000_000),
    ],
)
def test_few_are_no_spike_and_nothing_before_is_no_excuse(name: str, least: int) -> None:
    assert judge(_one(name, Hour(least - 1, [0] * 7))) == []
    assert len(judge(_one(name, Hour(least, [0] * 7)))) == 1
    assert len(judge(_one(name, Hour(least)))) == 1


@pytest.mark.parametrize(
    ("failed", "requests", "is_wrong"),
    [(10, 1000, False), (11, 1000, True), (4, 4, False), (5, 5, True), (0, 0, False)],
)
def test_more_than_one_percent_fails(failed: int, requests: int, is_wrong: bool) -> None:
    assert keys(Counters(requests=requests, server_errors=failed)) == ["errors"] * is_wrong
    assert keys(Counters(requests=requests, database_away=failed)) == ["database"] * is_wrong


def test_dead_letters_are_critical() -> None:
    [alert] = judge(Counters(dead_letters=2))
    assert (alert.key, alert.severity) == ("dead-letters", Severity.CRITICAL)
    assert alert.figures == {"dead_letters": 2}


def test_suspicions_are_told_by_type_and_do_not_last() -> None:
    found = Suspicions({"MULTI_ACCOUNT": 2, "IMPOSSIBLE_TRAVEL": 1}, START)
    [alert] = judge(Counters(suspicions=found))
    assert (alert.key, alert.severity, alert.happened_at) == ("fraud", Severity.WARNING, START)
    assert alert.text == "Suspicious activity: IMPOSSIBLE_TRAVEL 1, MULTI_ACCOUNT 2"
    assert "fraud" not in JUDGED


def test_everything_that_lasts_is_judged() -> None:
    spike = Hour(10**12)
    everything = Counters(spike, spike, spike, spike, 100, 100, 100, 1, Suspicions({"X": 1}, START))
    assert keys(everything) == [*JUDGED, "fraud"]
    assert {alert.happened_at for alert in judge(everything)} == {None, START}


def test_a_check_that_cannot_read_is_database_trouble() -> None:
    alert = blind("TimeoutError")
    assert (alert.key, alert.severity) == ("database", Severity.CRITICAL)


def test_wrong_books_name_what_is_broken() -> None:
    key = books_key(0, 1)
    assert wrong_books(key, {}) == []
    expected = Alert(key, Severity.CRITICAL, "Broken invariants: a; b", {"b": 2, "a": 1})
    assert wrong_books(key, {"b": 2, "a": 1}) == [expected]


def test_the_usual_is_the_mean_of_the_days_before() -> None:
    assert Hour(0, [1, 2]).usual == 2
    assert Hour(0).usual == 0
