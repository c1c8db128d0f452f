"""Coins from one member to another (decision 0056).

The sender's wallet pays into transit, and what arrives is taken from there: credited to the
receiver, or to the sender again if there is nobody to receive it. Coins keep their fundings, and
their time is the sending's, however late they arrive.
"""

from collections.abc import Sequence
from datetime import datetime

from engine.core.action import Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision, FollowUp
from engine.core.member import Member
from engine.core.money import format_amount
from engine.core.outcome import Applied, Nothing, Reason, Rejected
from engine.core.transfer import TRANSIT, Transfer, TransferType, wallet
from engine.ledger.actions import (
    BIGINT_MAX,
    CoinsSent,
    Portion,
    ReceiveCoins,
    ReturnCoins,
    SendCoins,
)
from engine.ledger.rights import Use
from engine.ledger.spending import Spending, spend, vesting_at
from engine.ledger.state import Purses


def send(member: Member, intent: Intent[SendCoins], conditions: Conditions) -> Decision:
    """Coins that other people may have leave the wallet, and are on their way."""
    action, at = intent.action, intent.recorded_at
    if action.to_user_id == member.user_id:
        return Decision(Rejected(Reason.SENT_TO_SELF, "These coins are yours already."))
    if not 1 <= action.to_user_id <= BIGINT_MAX:
        return Decision(Rejected(Reason.NOT_SPENDABLE, "No member can have this number."))
    if action.amount_micro < 1:
        return Decision(Rejected(Reason.NOT_SPENDABLE, "Send more than nothing."))
    spending = Spending(
        amount_micro=action.amount_micro,
        use=Use.PEOPLE,
        type=TransferType.TRANSFER,
        target=TRANSIT,
        reference=f"xfer:out:{intent.id}",
        description="Sent to a member",
        metadata={"to_user_id": action.to_user_id},
    )
    purse = member.of(Purses)[member.user_id]
    spent = spend(purse, spending, vesting_at(conditions, at), at)
    if isinstance(spent, Rejected):
        return Decision(spent)
    portions = tuple(Portion(transfer.funding, transfer.amount_micro) for transfer in spent)
    carried = ReceiveCoins(intent.id, member.user_id, portions)
    return Decision(
        Applied(CoinsSent(action.to_user_id, format_amount(action.amount_micro))),
        transfers=spent,
        follow_ups=(FollowUp(action.to_user_id, carried, f"xfer:in:{intent.id}", at),),
    )


def receive(member: Member, intent: Intent[ReceiveCoins], conditions: Conditions) -> Decision:
    """They arrive; or go back, if the account is closed or switched off, or never was."""
    action, at = intent.action, intent.recorded_at
    if member.is_active:
        arrived = _arrived(
            member.user_id,
            f"xfer:in:{action.sending_id}",
            action.portions,
            "Received from a member",
            {"from_user_id": action.from_user_id},
            at,
        )
        return Decision(Applied(Nothing()), transfers=arrived)
    returned = ReturnCoins(action.sending_id, member.user_id, action.portions)
    gone = Rejected(Reason.ACCOUNT_DISABLED, "Nobody is here to receive them: they go back.")
    key = f"xfer:back:{action.sending_id}"
    return Decision(gone, follow_ups=(FollowUp(action.from_user_id, returned, key, at),))


def take_back(member: Member, intent: Intent[ReturnCoins], conditions: Conditions) -> Decision:
    """They are the sender's again, whatever has become of the sender: or they would be nobody's."""
    action = intent.action
    arrived = _arrived(
        member.user_id,
        f"xfer:back:{action.sending_id}",
        action.portions,
        "Not received, come back",
        {"to_user_id": action.to_user_id},
        intent.recorded_at,
    )
    return Decision(Applied(Nothing()), transfers=arrived)


def _arrived(
    user_id: int,
    reference: str,
    portions: Sequence[Portion],
    description: str,
    metadata: dict[str, int],
    at: datetime,
) -> tuple[Transfer, ...]:
    return tuple(
        Transfer(
            source=TRANSIT,
            target=wallet(user_id),
            amount_micro=portion.amount_micro,
            reference=reference,
            funding=portion.funding,
            type=TransferType.TRANSFER,
            description=description,
            metadata=metadata,
            at=at,
            part=part,
        )
        for part, portion in enumerate(portions)
    )


RULES = {SendCoins: send, ReceiveCoins: receive, ReturnCoins: take_back}
