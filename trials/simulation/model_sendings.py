"""The model's coins between members: out of one wallet, on their way, into another or back."""

from datetime import timedelta
from functools import partial
from uuid import UUID

from msgspec import Struct

from trials.simulation.accounts import TWTC, Account, Intent, move
from trials.simulation.facts import Facts
from trials.simulation.model_earnings import Rule, day_of

ALLOWANCE = 100 * TWTC  # nobody is proven within a simulation
ALLOWANCE_BEGINS = timedelta(hours=2)
MAY_BE_SENT = ("deposit:", "direct:", "sponsor:")


class Sending(Struct):
    """Coins that have left, by whose money they are."""

    sender: int
    receiver: int
    portions: dict[str, int]
    is_coming_back: bool = False


Transit = dict[UUID, Sending]


def send(transit: Transit, facts: Facts, account: Account, intent: Intent) -> str:
    """To somebody else, of what may be sent, so much a day."""
    receiver, amount = intent.body["to_user_id"], intent.body["amount_micro"]
    if receiver == account.user:
        return "SENT_TO_SELF"
    day = day_of(intent.at - ALLOWANCE_BEGINS)
    free = {f: n for f, n in sorted(account.held.items()) if f.startswith(MAY_BE_SENT)}
    hold = account.hold
    if hold is not None and hold.since < intent.at < hold.until:
        return "NOT_SPENDABLE"
    if amount > min(sum(free.values()), ALLOWANCE - account.spent.get(day, 0)):
        return "NOT_SPENDABLE"
    account.spent[day] = account.spent.get(day, 0) + amount
    portions, left = {}, amount
    for funding, held in free.items():
        if taken := min(held, left):
            portions[funding] = taken
            move(account, -taken, funding)
            left -= taken
    transit[intent.id] = Sending(account.user, receiver, portions)
    return "APPLIED"


def receive(transit: Transit, facts: Facts, account: Account, intent: Intent) -> str:
    """Once; and nobody is nobody."""
    sending = transit.get(UUID(intent.body["sending_id"]))
    if sending is None or sending.is_coming_back or sending.receiver != account.user:
        return "NOTHING_TO_RECEIVE"
    if not account.is_somebody:
        sending.is_coming_back = True
        return "ACCOUNT_DISABLED"
    return _arrive(transit, account, intent, sending)


def take_back(transit: Transit, facts: Facts, account: Account, intent: Intent) -> str:
    """What nobody could receive is the sender's again."""
    sending = transit.get(UUID(intent.body["sending_id"]))
    if sending is None or not sending.is_coming_back or sending.sender != account.user:
        return "NOTHING_TO_TAKE_BACK"
    return _arrive(transit, account, intent, sending)


def _arrive(transit: Transit, account: Account, intent: Intent, sending: Sending) -> str:
    del transit[UUID(intent.body["sending_id"])]
    for funding, amount in sending.portions.items():
        move(account, amount, funding)
    return "APPLIED"


def sending_rules(transit: Transit) -> dict[str, Rule]:
    """With what is on its way, which belongs to no account."""
    return {
        "coins.send": partial(send, transit),
        "coins.receive": partial(receive, transit),
        "coins.return": partial(take_back, transit),
    }
