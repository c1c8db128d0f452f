"""What coins may be used for, which pay first, and that nothing gains a right on its way."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.transfer import (
    CORRECTIONS,
    Account,
    AccountKind,
    Transfer,
    TransferType,
    emission,
    wallet,
)
from engine.ledger.rights import (
    Unposted,
    Use,
    bounded,
    draw,
    restriction,
    rights_of,
    spread,
    usable_micro,
)
from tests.kit.words import START

NETWORKS = ("admob", "meta", "unity", "levelplay", "applovin")
OWN = ("content", "promotion", "house")
PAID = ("direct:7", "sponsor:7", "deposit:7")
FUNDINGS = st.sampled_from((*NETWORKS, *OWN, *PAID, "unheard-of"))
AMOUNTS = st.integers(1, 10**15)
HOLDINGS = st.dictionaries(FUNDINGS, st.integers(0, 10**15))


@pytest.mark.parametrize("funding", [*NETWORKS, "google", "unheard-of", "unity#2", "deposit"])
def test_what_a_network_paid_buys_goods_alone(funding: str) -> None:
    assert rights_of(funding) == {Use.GOODS}


@pytest.mark.parametrize("funding", OWN)
def test_what_the_operator_gave_also_pays_for_travel(funding: str) -> None:
    assert rights_of(funding) == {Use.GOODS, Use.TRAVEL}


@pytest.mark.parametrize("funding", PAID)
def test_what_somebody_has_paid_for_may_go_wherever_its_owner_likes(funding: str) -> None:
    assert rights_of(funding) == frozenset(Use)


def test_google_goes_first_and_what_was_paid_for_last() -> None:
    held = ["promotion", "deposit:1", "unity", "google", "content", "applovin", "admob"]
    first = ["admob", "google", "applovin", "unity", "content", "promotion", "deposit:1"]
    assert sorted(held, key=restriction) == first


def test_the_most_restricted_that_the_use_allows_pay_first() -> None:
    held = {"promotion": 50, "unity": 20, "admob": 30}
    assert draw(held, 60, Use.GOODS) == [("admob", 30), ("unity", 20), ("promotion", 10)]
    assert draw(held, 50, Use.TRAVEL) == [("promotion", 50)]
    assert draw(held, 51, Use.TRAVEL) is None
    assert draw(held, 1, Use.WITHDRAWAL) is None
    assert draw(held, 100) == [("admob", 30), ("unity", 20), ("promotion", 50)]
    assert draw(held, 101) is None


@given(HOLDINGS, AMOUNTS, st.sampled_from([*Use, None]))
def test_a_draw_takes_exactly_the_amount_of_what_may_be_used(
    held: dict[str, int], amount: int, use: Use | None
) -> None:
    usable = sum(held.values()) if use is None else usable_micro(held, use)
    parts = draw(held, amount, use)
    assert (parts is None) == (usable < amount)
    for funding, taken in parts or ():
        assert 0 < taken <= held[funding]
        assert use is None or use in rights_of(funding)
    if parts:
        assert sum(taken for _, taken in parts) == amount
        *emptied, _ = parts
        assert all(taken == held[funding] for funding, taken in emptied)
        assert [funding for funding, _ in parts] == sorted(dict(parts), key=restriction)


@given(FUNDINGS, FUNDINGS)
def test_a_fallback_has_no_more_rights_than_what_was_drawn(drawn: str, fallback: str) -> None:
    funding = bounded(fallback, drawn)
    assert rights_of(funding) <= rights_of(drawn)
    assert funding in (fallback, drawn)
    assert bounded(drawn, drawn) == drawn


def unposted(number: int, funding: str, amount: int, *, is_credit: bool) -> Unposted:
    return Unposted(UUID(int=number), "ADJUSTMENT", funding, amount, is_credit)


def test_what_names_no_funding_is_promotion_or_takes_the_most_restricted() -> None:
    debit = unposted(1, "wallet", 70, is_credit=False)
    by_hand = unposted(2, "adjustment", 40, is_credit=True)
    mined = unposted(3, "admob", 20, is_credit=True)
    assert spread([debit, by_hand, mined], {"unity": 30}) == [
        (by_hand, "promotion", 40),
        (mined, "admob", 20),
        (debit, "admob", 20),
        (debit, "unity", 30),
        (debit, "promotion", 20),
    ]


# What may befall a wallet: paid, corrected, spent for something, or written by a release before.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("paid"), FUNDINGS, AMOUNTS),
        st.tuples(st.just("fallback"), st.tuples(FUNDINGS, FUNDINGS), AMOUNTS),
        st.tuples(st.just("corrected"), st.booleans(), AMOUNTS),
        st.tuples(st.just("spent"), st.sampled_from(Use), AMOUNTS),
        st.tuples(st.just("older"), st.booleans(), AMOUNTS),
    ),
    max_size=30,
)


@given(STEPS)
def test_no_way_of_coins_raises_a_right(steps: list[tuple[str, object, int]]) -> None:
    """For any use: never more can be used than came with that right and did not leave by it."""
    held: dict[str, int] = {}
    allowed = dict.fromkeys(Use, 0)

    def come(funding: str, amount: int, rights: frozenset[Use]) -> None:
        held[funding] = held.get(funding, 0) + amount
        for use in rights:
            allowed[use] += amount

    def leave(parts: list[tuple[str, int]]) -> None:
        for funding, amount in parts:
            held[funding] -= amount
            for use in rights_of(funding):
                allowed[use] -= amount

    for step, of, amount in steps:
        match step, of:
            case "paid", str(funding):
                come(funding, amount, rights_of(funding))
            case "fallback", (str(drawn), str(shown)):
                come(bounded(shown, drawn), amount, rights_of(drawn) & rights_of(shown))
            case "corrected", True:
                come("promotion", amount, rights_of("promotion"))
            case "corrected", False:
                leave(draw(held, amount) or [])
            case "spent", Use() as use:
                leave(draw(held, amount, use) or [])
            case "older", bool(is_credit) if is_credit or sum(held.values()) >= amount:
                entry = unposted(1, "adjustment", amount, is_credit=is_credit)
                parts = [(funding, part) for _, funding, part in spread([entry], held)]
                if is_credit:
                    come(*parts[0], rights_of("promotion"))
                else:
                    leave(parts)
        assert min(held.values(), default=0) >= 0
        for use in Use:
            assert usable_micro(held, use) == allowed[use]


def transfer(source: Account, target: Account, amount: int = 1) -> Transfer:
    return Transfer(source, target, amount, "x:1", "unity", TransferType.BONUS, "", {}, START)


def test_a_transfer_concerns_one_wallet_and_moves_something() -> None:
    into, out = transfer(emission("task"), wallet(5)), transfer(wallet(7), CORRECTIONS)
    assert (into.is_credit, into.user_id, str(into.source)) == (True, 5, "emission:task")
    assert (out.is_credit, out.user_id, str(out.target)) == (False, 7, "treasury:adjustment")
    assert str(Account(AccountKind.BURN)) == "burn"
    for source, target, amount in (
        (wallet(5), wallet(7), 1),
        (emission("task"), CORRECTIONS, 1),
        (emission("task"), wallet(5), 0),
    ):
        with pytest.raises(AssertionError):
            transfer(source, target, amount)
