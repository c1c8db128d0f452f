"""Watching an ad and proving it, as functions of a member and an instant."""

from datetime import timedelta
from uuid import UUID

from msgspec.structs import replace

from engine.ads.actions import CompleteView, ConfirmView, FailView, StartView
from engine.ads.state import AdOffer, Views, ViewStatus
from engine.core.outcome import Reason
from engine.ledger.rights import rights_of
from engine.mining.actions import StartMining
from engine.mining.state import Sessions, SessionStatus
from tests.kit.rules import UNIT, Life
from tests.kit.words import MICROSECOND, at


def served() -> tuple[Life, UUID]:
    """A member to whom an ad of a minute was served at midnight."""
    life = Life()
    life.applied(StartMining(), at("00:00"))
    [view] = life.member.of(Views)
    return life, view


def confirm(view: UUID, unit: str | None = None, seconds: int | None = None) -> ConfirmView:
    return ConfirmView(view, "house", "event", unit, seconds)


def test_an_ad_lasts_a_minute_to_the_microsecond() -> None:
    life, view = served()
    life.applied(StartView(view), at("00:00"))
    early = at("00:01") - MICROSECOND
    decision = life.decide(CompleteView(view), early)
    assert [entry.severity for entry in decision.logs if entry.event == "INCOMPLETE_VIEW"] == [
        "LOW"
    ]
    assert life.member.of(Views)[view].status is ViewStatus.FAILED
    life, view = served()
    life.applied(StartView(view), at("00:00"))
    life.applied(CompleteView(view), at("00:01"))


def test_what_was_not_begun_is_not_complete() -> None:
    life, view = served()
    assert life.refused(CompleteView(view), at("00:05"))[0] == Reason.AD_NOT_STARTED
    life.applied(StartView(view), at("00:05"))


def test_a_repeated_start_does_not_restart_the_clock() -> None:
    life, view = served()
    life.applied(StartView(view), at("00:00"))
    life.applied(StartView(view), at("00:00") + timedelta(seconds=59))
    assert life.member.of(Views)[view].started_at == at("00:00")


def test_the_proof_counts_in_both_orders() -> None:
    for reports in ((CompleteView, confirm), (confirm, CompleteView)):
        life, view = served()
        life.applied(StartView(view), at("00:00"))
        for report in reports:
            life.applied(report(view), at("00:02"))
        [session] = life.member.of(Sessions).values()
        assert session.status is SessionStatus.ACTIVE
        assert session.started_at == at("00:02")


def test_a_callback_is_for_the_ad_that_was_served() -> None:
    life, view = served()
    life.applied(StartView(view), at("00:00"))
    for other in (confirm(view, "another-unit"), ConfirmView(view, "unity", "event", None)):
        assert life.refused(other, at("00:02"))[0] == Reason.AD_MISMATCH
    assert life.refused(confirm(view, seconds=59), at("00:02"))[0] == Reason.AD_TOO_SHORT
    life.applied(confirm(view, seconds=60), at("00:02"))
    assert life.refused(confirm(view), at("00:02"))[0] == Reason.VIEW_CLOSED


def test_a_proof_that_comes_too_late_is_none() -> None:
    life, view = served()
    [session] = life.member.of(Sessions).values()
    expires_at, lapses_at = session.expires_at, session.lapses_at
    assert expires_at is not None and lapses_at is not None
    life.applied(StartView(view), at("00:00"))
    assert life.refused(CompleteView(view), expires_at)[0] == Reason.AD_EXPIRED
    assert life.member.of(Views)[view].status is ViewStatus.STARTED  # one may be on its way
    assert life.refused(CompleteView(view), lapses_at)[0] == Reason.AD_EXPIRED
    assert life.member.of(Views)[view].failed_at == expires_at


def test_three_ads_are_tried() -> None:
    life, view = served()
    life = Life(UNIT, replace(UNIT, id=2, fallback_rank=2))
    life.applied(StartMining(), at("00:00"))
    for number in (1, 2, 3):
        view, newest = [*life.member.of(Views).items()][-1]
        assert newest.try_number == number
        if number < 3:
            life.applied(FailView(view, "NO_FILL"), at("00:01"))
    assert life.refused(FailView(view, "NO_FILL"), at("00:01"))[0] == Reason.AD_UNAVAILABLE
    [session] = life.member.of(Sessions).values()
    assert session.status is SessionStatus.FAILED


def test_an_ad_of_nobody_is_unknown() -> None:
    life, _ = served()
    assert life.refused(StartView(UUID(int=99)), at("00:00"))[0] == Reason.VIEW_UNKNOWN


ADMOB = replace(UNIT, id=1, network="admob", weight=50, fallback_rank=1)
DIRECT = replace(UNIT, id=2, network="direct:acme", weight=50, fallback_rank=2)


def of_lot(lot: int, room: dict[int, int] | None = None) -> Life:
    """A member of an installation that has a paid campaign beside a network."""
    life = Life(ADMOB, DIRECT)
    life.conditions = replace(life.conditions, lot=str(lot))
    life.conditions.offers[AdOffer] = AdOffer((ADMOB, DIRECT), room or {})
    return life


def test_who_gives_up_and_begins_again_gains_no_right() -> None:
    fundings = set()
    for lot in range(12):
        life, moment = of_lot(lot), at("00:00")
        drawn = None
        for _ in range(10):
            moment += timedelta(milliseconds=100)
            life.applied(StartMining(), moment)
            drawn = drawn or next(iter(life.member.of(Views).values())).funded_by
            while open_ones := [
                v for v in life.member.of(Views).values() if v.status is ViewStatus.SERVED
            ]:
                assert rights_of(open_ones[0].funded_by) <= rights_of(drawn)
                moment += timedelta(milliseconds=100)
                life.decide(FailView(open_ones[0].id, "NO_FILL"), moment)
        fundings.add(drawn)
    assert fundings == {"admob", "direct:acme"}


def test_what_is_shown_instead_of_a_full_unit_has_no_more_rights() -> None:
    shown = set()
    for lot in range(12):
        life = of_lot(lot, room={ADMOB.id: 0})
        life.applied(StartMining(), at("00:00"))
        [view] = life.member.of(Views).values()
        assert view.network == "direct:acme"
        shown.add(view.funded_by)
    assert shown == {"admob", "direct:acme"}
