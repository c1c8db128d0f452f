"""Starting a session, and what its ad makes of it, as functions of a member and an instant."""

from datetime import timedelta
from uuid import UUID

from engine.ads.actions import CompleteView, ConfirmView, StartView
from engine.ads.state import AdOffer, Views
from engine.core.outcome import Reason
from engine.mining.actions import StartMining
from engine.mining.state import Session, Sessions, SessionStatus
from tests.kit.rules import Life
from tests.kit.words import MICROSECOND, at

MINUTE = timedelta(minutes=1)
CLOSES, OPENS_AGAIN = at("00:24"), at("04:00")


def session(life: Life) -> Session:
    return [*life.member.of(Sessions).values()][-1]


def begun(life: Life) -> UUID:
    """The view of a session that was asked for at midnight, begun at once."""
    life.applied(StartMining(), at("00:00"))
    [view] = life.member.of(Views)
    life.applied(StartView(view), at("00:00"))
    return view


def test_a_window_is_half_open() -> None:
    Life().applied(StartMining(), at("00:00"))
    Life().applied(StartMining(), CLOSES - MICROSECOND)
    assert Life().refused(StartMining(), CLOSES) == (Reason.WINDOW_CLOSED, OPENS_AGAIN)
    before = at("00:00") - MICROSECOND
    assert Life().refused(StartMining(), before) == (Reason.WINDOW_CLOSED, at("00:00"))


def test_a_second_start_waits_for_the_first() -> None:
    life = Life()
    life.applied(StartMining(), at("00:00"))
    lapses_at = session(life).lapses_at
    assert lapses_at is not None
    assert life.refused(StartMining(), at("00:01")) == (Reason.AD_IN_PROGRESS, lapses_at)
    assert life.refused(StartMining(), lapses_at - MICROSECOND)[0] == Reason.AD_IN_PROGRESS
    life.applied(StartMining(), lapses_at)
    states = [each.status for each in life.member.of(Sessions).values()]
    assert states == [SessionStatus.FAILED, SessionStatus.PENDING]


def test_a_window_has_one_session() -> None:
    life = Life()
    view = begun(life)
    life.applied(CompleteView(view), at("00:01"))
    life.applied(ConfirmView(view, "house", "event", None), at("00:02"))
    assert session(life).status is SessionStatus.ACTIVE
    assert session(life).started_at == at("00:02")
    assert session(life).ends_at == at("04:02")
    assert life.refused(StartMining(), at("00:03")) == (Reason.ALREADY_MINING, OPENS_AGAIN)
    life.applied(StartMining(), OPENS_AGAIN)  # before the first has ended


def test_the_next_session_begins_where_the_one_before_ends() -> None:
    life = Life()
    first = begun(life)
    life.applied(CompleteView(first), at("00:01"))
    life.applied(ConfirmView(first, "house", "event", None), at("00:02"))
    life.applied(StartMining(), OPENS_AGAIN)
    [second] = life.member.of(Views).keys() - {first}
    life.applied(StartView(second), OPENS_AGAIN)
    life.applied(CompleteView(second), OPENS_AGAIN + MINUTE)
    life.applied(ConfirmView(second, "house", "another", None), OPENS_AGAIN + MINUTE)
    assert session(life).started_at == at("04:02")


def test_without_an_ad_nothing_begins() -> None:
    life = Life()
    life.conditions.offers[AdOffer] = AdOffer()
    assert life.refused(StartMining(), at("00:00")) == (Reason.AD_UNAVAILABLE, at("00:01"))
    assert not life.member.of(Sessions)


def test_a_disabled_account_begins_nothing() -> None:
    assert Life(is_active=False).refused(StartMining(), at("00:00"))[0] == Reason.ACCOUNT_DISABLED
