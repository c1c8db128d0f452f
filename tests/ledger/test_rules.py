"""Coins from one member to another, as functions: what leaves, arrives, comes back."""

from collections import Counter
from datetime import date, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.admin.configuration import Configuration
from engine.core.action import Action, AnyIntent, Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Member
from engine.core.outcome import Applied, Nothing, Reason, Rejected
from engine.core.timeline import PRODUCTION, timetable
from engine.core.transfer import EARNINGS, NEITHER, SPENDINGS, TransferType, emission, wallet
from engine.core.transfer import Transfer as Row
from engine.core.versions import Version
from engine.decide import decide
from engine.fraud.examination import HeldAccount
from engine.fraud.levels import Hold
from engine.fraud.reactions import hold_purse
from engine.ledger.actions import CoinsSent, Portion, ReceiveCoins, ReturnCoins, SendCoins
from engine.ledger.reactions import keep_purse
from engine.ledger.rights import Use, rights_of
from engine.ledger.state import Purse, Purses
from engine.ledger.vesting import Vesting
from tests.kit.words import MICROSECOND, START, at

ONE, OTHER = 7, 64
SENDING = UUID(int=5)
TWO_OCLOCK = START + timedelta(hours=2)
OPEN = Configuration(vesting=Vesting(days=0, days_one_address=0))
BOUND = Configuration(vesting=Vesting(daily_limit_micro=100))


def conditions(settings: Configuration) -> Conditions:
    since = datetime.min.replace(tzinfo=START.tzinfo)
    return Conditions(timetable(PRODUCTION), {}, versions=(Version(1, since, settings),))


def member(held: dict[str, int], user_id: int = ONE, *, is_active: bool = True) -> Member:
    """Somebody who holds coins."""
    found = Member(user_id, is_active)
    found.put(Purse(user_id, held, {}))
    return found


def decided(
    who: Member,
    action: Action,
    when: datetime = START,
    settings: Configuration = OPEN,
    sending: UUID = SENDING,
) -> Decision:
    """What is decided about it; later ones see what it changed."""
    intent: AnyIntent = Intent(who.user_id % 64, sending, 1, who.user_id, action, when)
    decision = decide(who, intent, conditions(settings))
    for entity in decision.changed:
        who.put(entity)
    return decision


def rows(decision: Decision) -> list[tuple[str, str, str, int, int]]:
    return [
        (str(row.source), str(row.target), row.funding, row.amount_micro, row.part)
        for row in decision.transfers
    ]


def holdings(who: Member) -> dict[str, int]:
    return {funding: n for funding, n in who.of(Purses)[who.user_id].holdings.items() if n}


def reason(decision: Decision) -> Reason:
    assert isinstance(decision.outcome, Rejected)
    return decision.outcome.reason


def test_every_type_of_a_transfer_is_earned_or_spent_or_said_to_be_neither() -> None:
    said = Counter([*EARNINGS, *SPENDINGS, *NEITHER])
    assert said == Counter(TransferType)


def test_what_is_sent_leaves_by_funding_and_is_on_its_way() -> None:
    sender = member({"deposit:1": 30, "direct:2": 50, "admob": 1_000, "promotion": 1_000})
    sent = decided(sender, SendCoins(OTHER, 60))
    assert sent.outcome == Applied(CoinsSent(OTHER, "0.000060"))
    way = (f"wallet:{ONE}", "transit:out")
    assert rows(sent) == [(*way, "deposit:1", 30, 0), (*way, "direct:2", 30, 1)]
    assert {(row.reference, row.type, row.at) for row in sent.transfers} == {
        (f"xfer:out:{SENDING}", TransferType.TRANSFER, START)
    }
    [told] = sent.follow_ups
    portions = (Portion("deposit:1", 30), Portion("direct:2", 30))
    assert told.action == ReceiveCoins(SENDING, ONE, portions)
    assert (told.user_id, told.key, told.due_at) == (OTHER, f"xfer:in:{SENDING}", START)
    assert holdings(sender) == {"direct:2": 20, "admob": 1_000, "promotion": 1_000}


def test_what_arrives_keeps_its_fundings() -> None:
    portions = (Portion("deposit:1", 30), Portion("direct:2", 20))
    arrived = decided(Member(OTHER, True), ReceiveCoins(SENDING, ONE, portions))
    assert arrived.outcome == Applied(Nothing()) and not arrived.follow_ups
    way = ("transit:out", f"wallet:{OTHER}")
    assert rows(arrived) == [(*way, "deposit:1", 30, 0), (*way, "direct:2", 20, 1)]
    assert {row.reference for row in arrived.transfers} == {f"xfer:in:{SENDING}"}


def test_what_nobody_can_receive_goes_back_whatever_has_become_of_the_sender() -> None:
    portions = (Portion("deposit:1", 30), Portion("direct:2", 20))
    gone = decided(Member(OTHER, False), ReceiveCoins(SENDING, ONE, portions))
    assert reason(gone) == Reason.ACCOUNT_DISABLED and not gone.transfers
    [back] = gone.follow_ups
    assert (back.user_id, back.key, back.due_at) == (ONE, f"xfer:back:{SENDING}", START)
    for is_active in (True, False):
        returned = decided(Member(ONE, is_active), back.action)
        assert returned.outcome == Applied(Nothing())
        way = ("transit:out", f"wallet:{ONE}")
        assert rows(returned) == [(*way, "deposit:1", 30, 0), (*way, "direct:2", 20, 1)]
        assert {row.reference for row in returned.transfers} == {f"xfer:back:{SENDING}"}


def test_nobody_sends_to_themselves_what_others_may_not_have_or_while_switched_off() -> None:
    assert reason(decided(member({"deposit:1": 9}), SendCoins(ONE, 5))) == Reason.SENT_TO_SELF
    for funding in ("admob", "unity", "content", "promotion", "house"):
        refused = decided(member({funding: 9}), SendCoins(OTHER, 1))
        assert reason(refused) == Reason.NOT_SPENDABLE and not refused.transfers
    off = decided(member({"deposit:1": 9}, is_active=False), SendCoins(OTHER, 5))
    assert reason(off) == Reason.ACCOUNT_DISABLED


@pytest.mark.parametrize(
    ("to_user_id", "amount"), [(OTHER, 0), (OTHER, -5), (0, 5), (-1, 5), (2**63, 5), (OTHER, 2**63)]
)
def test_nobody_sends_nothing_or_to_a_number_that_no_member_can_have(
    to_user_id: int, amount: int
) -> None:
    action = SendCoins(to_user_id, amount)
    refused = decided(member({"deposit:1": 9}), action)
    assert reason(refused) == Reason.NOT_SPENDABLE
    assert not refused.transfers and not refused.follow_ups
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(action), type=SendCoins)
    arriving = ReceiveCoins(SENDING, to_user_id, (Portion("deposit:1", amount),))
    for carried in (arriving, ReturnCoins(SENDING, to_user_id, arriving.portions)):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(msgspec.json.encode(carried), type=type(carried))


def test_the_largest_numbers_are_read() -> None:
    action = SendCoins(2**63 - 1, 2**63 - 1)
    assert msgspec.json.decode(msgspec.json.encode(action), type=SendCoins) == action
    assert reason(decided(member({"deposit:1": 9}), action)) == Reason.NOT_SPENDABLE


def test_a_refusal_says_how_much_and_when() -> None:
    sender = member({"deposit:1": 500})
    for amount in (101, 60):
        decided(sender, SendCoins(OTHER, amount), settings=BOUND)
    early = decided(sender, SendCoins(OTHER, 41), settings=BOUND)
    assert isinstance(early.outcome, Rejected)
    assert "0.000040 TWTC" in early.outcome.detail and early.outcome.retry_at == TWO_OCLOCK
    never = decided(sender, SendCoins(OTHER, 101), settings=BOUND)
    assert isinstance(never.outcome, Rejected) and never.outcome.retry_at is None
    last = decided(sender, SendCoins(OTHER, 40), TWO_OCLOCK - MICROSECOND, BOUND)
    assert isinstance(last.outcome, Applied)
    assert reason(decided(sender, SendCoins(OTHER, 1), TWO_OCLOCK - MICROSECOND, BOUND))
    assert isinstance(decided(sender, SendCoins(OTHER, 100), TWO_OCLOCK, BOUND).outcome, Applied)
    spent = sender.of(Purses)[ONE].spent
    assert spent == {date(2026, 2, 28): 100, date(2026, 3, 1): 100}


def test_whoever_is_held_by_a_decision_spends_nothing_by_the_next() -> None:
    sender, until = member({"deposit:1": 9}), at("01:00")
    found = Decision(Applied(Nothing()), (HeldAccount(ONE, Hold.CAPTCHA, until),))
    intent: AnyIntent = Intent(ONE, SENDING, 1, ONE, SendCoins(OTHER, 1), START)
    held = hold_purse(sender, intent, found, conditions(OPEN))
    sender.put(held.changed[-1])
    refused = decided(sender, SendCoins(OTHER, 1), until - MICROSECOND)
    assert isinstance(refused.outcome, Rejected) and refused.outcome.retry_at == until
    assert isinstance(decided(sender, SendCoins(OTHER, 1), until).outcome, Applied)
    untouched = hold_purse(Member(ONE, True), intent, found, conditions(OPEN))
    assert untouched is found


def test_what_is_paid_beside_a_spending_is_seen_by_the_next() -> None:
    sender = member({"deposit:1": 5})
    reward = Row(
        emission("x"), wallet(ONE), 7, "x:1", "deposit:1", TransferType.BONUS, "", {}, START
    )
    intent: AnyIntent = Intent(ONE, SENDING, 1, ONE, SendCoins(OTHER, 1), START)
    paid = keep_purse(sender, intent, Decision(Applied(Nothing()), (), (reward,)), conditions(OPEN))
    sender.put(paid.changed[-1])
    assert holdings(sender) == {"deposit:1": 12} and not sender.of(Purses)[ONE].spent
    assert isinstance(decided(sender, SendCoins(OTHER, 12)).outcome, Applied)


FUNDINGS = st.sampled_from(("admob", "unity", "promotion", "deposit:1", "direct:2", "sponsor:3"))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("paid"), st.integers(0, 2), FUNDINGS, st.integers(1, 100)),
        st.tuples(st.just("sent"), st.integers(0, 2), st.integers(0, 2), st.integers(1, 150)),
        st.tuples(st.just("arrived"), st.booleans(), st.just(0), st.just(0)),
    ),
    max_size=40,
)


@given(STEPS)
def test_no_way_between_members_makes_coins_or_raises_a_right(
    steps: list[tuple[str, int, int | str, int]],
) -> None:
    """Whatever is paid, sent, received or given back: of each funding there is what was paid."""
    people = [member({}, user_id) for user_id in (1, 2, 3)]
    paid: Counter[str] = Counter()
    under_way: list[tuple[int, Action]] = []
    for number, (step, who, what, amount) in enumerate(steps):
        if step == "paid":
            paid[str(what)] += amount
            purse = people[who].of(Purses)[who + 1]
            held = {**purse.holdings, str(what): purse.holdings.get(str(what), 0) + amount}
            people[who].put(replace(purse, holdings=held))
        elif step == "sent":
            before = holdings(people[who])
            sent = decided(people[who], SendCoins(int(what) + 1, amount), sending=UUID(int=number))
            assert all(Use.PEOPLE in rights_of(row.funding) for row in sent.transfers)
            assert bool(sent.transfers) or holdings(people[who]) == before
            under_way += [(told.user_id, told.action) for told in sent.follow_ups]
        elif under_way:
            user_id, action = under_way.pop(0)
            people[user_id - 1].is_active = bool(who)
            arrived = decided(people[user_id - 1], action)
            people[user_id - 1].is_active = True
            under_way += [(told.user_id, told.action) for told in arrived.follow_ups]
        found: Counter[str] = Counter()
        for person in people:
            found.update(holdings(person))
        for _, action in under_way:
            assert isinstance(action, ReceiveCoins | ReturnCoins)
            found.update({p.funding: p.amount_micro for p in action.portions})
        assert found == paid
