"""The rules against fraud: places, levels that rise and decay, and the checks on an intent."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ads.actions import CompleteView
from engine.core.action import Action, AnyIntent, Intent
from engine.core.evidence import Evidence
from engine.fraud.actions import FlagUser
from engine.fraud.checks import History, Surroundings, judge
from engine.fraud.levels import (
    LASTS,
    ORDER,
    Alert,
    Hold,
    Severity,
    Violation,
    held_at,
    level_at,
    raise_alert,
)
from engine.fraud.places import Place, distance_km, is_impossible
from engine.mining.actions import StartMining
from tests.kit.words import START

NEW_YORK, SHANGHAI, PHILADELPHIA = Place(40.71, -74.0), Place(31.23, 121.47), Place(39.95, -75.17)
OLDER, NEWER = UUID(int=1), UUID(int=2)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def intent(
    after: timedelta = timedelta(0), action: Action | None = None, **evidence: Any
) -> AnyIntent:
    action = action or StartMining()
    return Intent(1, OLDER, 1, 1, action, START + after, Evidence(**evidence))


def events(
    history: History, *args: Any, around: Surroundings | None = None, **evidence: Any
) -> list[str]:
    judged = judge(history, intent(*args, **evidence), around or Surroundings())
    return [violation.event for violation in judged.violations]


def test_distances_are_those_of_the_globe() -> None:
    assert distance_km(NEW_YORK, SHANGHAI) == pytest.approx(11_870, abs=60)
    assert distance_km(NEW_YORK, NEW_YORK) == 0
    assert distance_km(Place(0, 179.5), Place(0, -179.5)) == pytest.approx(111, abs=1)


def test_usa_to_china_takes_longer_than_ten_minutes() -> None:
    assert is_impossible(NEW_YORK, SHANGHAI, 10 * MINUTE)
    assert is_impossible(NEW_YORK, SHANGHAI, -10 * MINUTE)
    assert not is_impossible(NEW_YORK, SHANGHAI, 15 * HOUR)
    assert not is_impossible(NEW_YORK, PHILADELPHIA, timedelta(0))  # databases err so far


@given(st.lists(st.tuples(st.sampled_from(list(Severity)), st.integers(0, 200)), max_size=20))
def test_levels_rise_and_decay_within_bounds(steps: list[tuple[Severity, int]]) -> None:
    alert, at = Alert(), START
    for severity, hours in steps:
        at += hours * HOUR
        before = level_at(alert, at)
        alert = raise_alert(alert, Violation("X", severity), at)
        assert before <= level_at(alert, at) <= 4
        assert severity not in ("HIGH", "CRITICAL") or level_at(alert, at) >= 2 or before == 4
    assert level_at(alert, at + 4 * DAY) == 0


def test_each_level_brings_its_hold() -> None:
    alert, at = Alert(), START
    holds = []
    for _ in range(4):
        alert = raise_alert(alert, Violation("X", Severity.HIGH, level=1), at)
        holds.append(held_at(alert, at))
        at += MINUTE
    assert holds == [Hold.COOLDOWN, Hold.CAPTCHA, Hold.SUSPENDED, Hold.SUSPENDED]


def test_light_violations_raise_once_an_hour_and_never_suspend() -> None:
    alert = Alert()
    for minutes in range(0, 600, 10):
        alert = raise_alert(alert, Violation("X", Severity.LOW), START + minutes * MINUTE)
        assert alert.level == min(3, 1 + minutes // 60)
    assert alert.hold is Hold.CAPTCHA


def test_the_stronger_hold_stays() -> None:
    suspended = Alert(4, START, Hold.SUSPENDED, START + DAY)
    asked = raise_alert(suspended, Violation("X", Severity.HIGH, hold=Hold.VERIFICATION), START)
    assert asked.hold is Hold.SUSPENDED
    later = START + LASTS[Hold.SUSPENDED]
    assert held_at(suspended, later) is None
    assert list(ORDER) == list(Hold)


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (timedelta(0), ["SUSPICIOUS_TIMING"]),
        (timedelta(microseconds=999_999), ["SUSPICIOUS_TIMING"]),
        (timedelta(seconds=1), []),
        (timedelta(seconds=-1), []),  # a late retry of something older
    ],
)
def test_two_decisions_within_a_second_are_too_fast(after: timedelta, found: list[str]) -> None:
    assert events(History(1, acted_at=START), after) == found


def test_reports_of_a_player_follow_each_other_as_they_like() -> None:
    assert events(History(1, acted_at=START), timedelta(0), CompleteView(OLDER)) == []


def test_two_sign_ins_at_once_end_the_later_one() -> None:
    history = History(1, seen_at=START, session_id=NEWER, ip="198.51.100.1")
    judged = judge(
        history,
        intent(10 * timedelta(seconds=1), session=OLDER, ip="203.0.113.1"),
        Surroundings(),
    )
    assert [v.event for v in judged.violations] == ["DUPLICATE_SESSION"]
    assert judged.ended_session_id == NEWER
    for seconds, session, ip in (
        (10, NEWER, "203.0.113.1"),  # one sign-in that moves between networks
        (10, OLDER, "198.51.100.1"),  # two at home
        (30, OLDER, "203.0.113.1"),  # one after the other
    ):
        after = timedelta(seconds=seconds)
        assert events(history, after, session=session, ip=ip) == []


def test_impossible_travel_asks_for_the_password() -> None:
    history = History(1, place=NEW_YORK, placed_at=START)
    judged = judge(history, intent(10 * MINUTE), Surroundings(SHANGHAI))
    assert [v.event for v in judged.violations] == ["IMPOSSIBLE_TRAVEL"]
    assert held_at(judged.history.alert, START + 10 * MINUTE) is Hold.REAUTHENTICATION
    assert events(history, 15 * HOUR, around=Surroundings(SHANGHAI)) == []


@pytest.mark.parametrize("listed", ["VPN", "DATACENTRE", "TOR", "BANNED"])
def test_a_listed_address_has_to_be_verified_once_a_week(listed: str) -> None:
    around = Surroundings(listed=listed)
    judged = judge(History(1), intent(), around)
    assert [v.event for v in judged.violations] == ["BAD_ADDRESS"]
    assert judged.history.alert.hold is Hold.VERIFICATION
    assert events(History(1, trusted_until=START + DAY), around=around) == []
    assert events(History(1, trusted_until=START), around=around) == ["BAD_ADDRESS"]


def test_a_flag_brings_its_own_level_and_hold() -> None:
    flag = FlagUser("SUSPICIOUS_BEHAVIOR", "CRITICAL", {"score": 93}, "SUSPENDED", 4)
    judged = judge(History(1), intent(action=flag), Surroundings())
    assert judged.history.alert == Alert(4, START, Hold.SUSPENDED, START + DAY)


def test_judging_is_pure() -> None:
    history = History(1, acted_at=START)
    assert judge(history, intent(), Surroundings()) == judge(history, intent(), Surroundings())
    assert history == History(1, acted_at=START)
