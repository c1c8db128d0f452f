"""What is one's own: profile, wallet, ledger, notifications, intents."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Response, Router, get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import asdict, replace

from api.intake.submit import IntentView, answer
from api.members.accounts import contacts
from api.members.accounts.closing import close
from api.web_base.etags import PRIVATE
from api.web_base.paging import After, Limit, decode_cursor, encode_cursor
from api.web_base.permissions import MEMBER
from api.web_base.problems import not_found, unauthorized
from api.web_base.services import Services
from engine.core.money import format_amount
from engine.core.text import Country, line
from engine.core.timeline import daily_schedule
from engine.ledger.vesting import Missing, prove, spendable_micro
from engine.referrals.codes import referral_code
from models.accounts.register import Account, change_profile, find_account
from models.base.db import Row
from models.intents.record import find
from models.ledger.history import NOTIFICATIONS, TRANSACTIONS, read_page
from models.ledger.wallet import holder_of, read_wallet
from runtime.clock import utcnow


class Profile(Struct, frozen=True):
    """The signed-in user. `mining_schedule`: UTC openings of the group's windows.

    Nothing is earned before `verified_at`.
    """

    id: int
    email: str | None
    phone: str | None
    group_number: int
    mining_schedule: list[str]
    created_at: datetime
    last_login_at: datetime | None
    verified_at: datetime | None
    display_name: str | None
    country: str | None
    language: str
    referral_code: str
    role: str


class ProfileChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to change; what is left out stays, and null clears. `country`: ISO 3166-1."""

    display_name: Annotated[str, line(60, 1)] | UnsetType | None = UNSET
    country: Country | UnsetType | None = UNSET
    language: Literal["en", "ar"] | UnsetType = UNSET


class ProofView(Struct, frozen=True):
    """Until `is_proven`, at most `daily_limit` TWTC can be spent or leave a day, from 02:00 UTC on.

    `missing` is what would bring it nearer: days on which one was active (`days` of `days_needed`,
    fewer with both e-mail and phone verified), an address, a score without suspicion.
    """

    is_proven: bool
    daily_limit: str
    missing: list[Missing]
    days: int
    days_needed: int


class WalletView(Struct, frozen=True):
    """Amounts in TWTC. `balance` includes what live sessions have earned by their last tick.

    `spendable` is what can be spent or leave at once now, of the settled coins.
    """

    balance: str
    settled_balance: str
    total_earned: str
    total_withdrawn: str
    updated_at: datetime
    spendable: str
    proof: ProofView


class TransactionView(Struct, frozen=True):
    """One transfer of the ledger. `funding` names what paid for it."""

    id: UUID
    type: str
    from_account: str
    to_account: str
    amount: str
    reference: str
    funding: str
    description: str
    metadata: dict[str, Any]
    created_at: datetime


class TransactionPage(Struct, frozen=True):
    """Newest first."""

    items: list[TransactionView]
    next_cursor: str | None


class NotificationView(Struct, frozen=True):
    """A message to the user; the client words it by `kind` and `params`."""

    id: UUID
    kind: str
    params: dict[str, Any]
    created_at: datetime
    read_at: datetime | None


class NotificationPage(Struct, frozen=True):
    """Newest first."""

    items: list[NotificationView]
    next_cursor: str | None


@get("/me", summary="The signed-in user", response_headers=PRIVATE)
async def me(services: NamedDependency[Services], user_id: NamedDependency[int]) -> Profile:
    """Who is signed in, and when their group's windows open."""
    account = await find_account(services.database, services.config.keyring, user_id)
    if account is None:
        raise unauthorized("This account no longer exists.")
    return _profile(services, account)


@patch("/me", summary="Change the profile")
async def change(
    data: JSONBody[ProfileChange],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
) -> Profile:
    """Name, country, language of messages."""
    account = await find_account(services.database, services.config.keyring, user_id)
    if account is None or not account.is_active:
        raise unauthorized("This account no longer exists.")
    changes = {name: value for name, value in asdict(data).items() if value is not UNSET}
    account = replace(account, **changes)
    await change_profile(
        services.database,
        services.config.keyring,
        user_id,
        account.display_name,
        account.country,
        account.language,
    )
    return _profile(services, account)


def _profile(services: Services, account: Account) -> Profile:
    return Profile(
        account.id,
        account.email,
        account.phone,
        account.group_number,
        daily_schedule(services.installation.table, account.group_number),
        account.created_at,
        account.last_login_at,
        account.verified_at,
        account.display_name,
        account.country,
        account.language,
        referral_code(account.id),
        account.role,
    )


@get("/wallet", summary="Balance", response_headers=PRIVATE, opt={"limits": ("wallet",)})
async def wallet(services: NamedDependency[Services], user_id: NamedDependency[int]) -> WalletView:
    """What one owns, as the last tick left it."""
    now = utcnow()
    row = await read_wallet(services.database, user_id, now)
    if row is None:
        raise unauthorized("This account no longer exists.")
    holder, rules = holder_of(row), (await services.configurations.at(now)).vesting
    proof = prove(holder, rules)
    return WalletView(
        balance=format_amount(row.balance),
        settled_balance=format_amount(row.settled_balance),
        total_earned=format_amount(row.total_earned),
        total_withdrawn=format_amount(row.total_withdrawn),
        updated_at=row.updated_at,
        spendable=format_amount(spendable_micro(holder, rules)),
        proof=ProofView(
            proof.is_proven,
            format_amount(rules.daily_limit_micro),
            list(proof.missing),
            proof.days,
            proof.days_needed,
        ),
    )


@get("/wallet/transactions", summary="Ledger", response_headers=PRIVATE)
async def transactions(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    cursor: After = None,
    limit: Limit = 20,
) -> TransactionPage:
    """One's transfers, a page at a time."""
    before = decode_cursor(cursor)
    page = await read_page(services.reading, TRANSACTIONS, user_id, before, limit)
    return transaction_page(page, limit)


def transaction_page(page: Sequence[Row], limit: int) -> TransactionPage:
    """A page of the ledger as it is shown."""
    items = [
        TransactionView(
            **{
                **row,
                "amount": format_amount(row.amount),
                "metadata": msgspec.json.decode(row.metadata),
            }
        )
        for row in page
    ]
    return TransactionPage(items, encode_cursor(page, limit, "created_at"))


@get("/notifications", summary="Notifications", response_headers=PRIVATE)
async def notifications(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    cursor: After = None,
    limit: Limit = 20,
) -> NotificationPage:
    """One's messages, a page at a time."""
    before = decode_cursor(cursor)
    page = await read_page(services.database, NOTIFICATIONS, user_id, before, limit)
    items = [NotificationView(**{**row, "params": _shown(row.params)}) for row in page]
    return NotificationPage(items, encode_cursor(page, limit, "created_at"))


def _shown(params: str) -> dict[str, Any]:
    """What a notification tells of; its amount as a decimal string, like every other."""
    facts: dict[str, Any] = msgspec.json.decode(params)
    if "amount_micro" in facts:
        facts["amount"] = format_amount(facts.pop("amount_micro"))
    return facts


@get("/intents/{intent_id:uuid}", summary="What became of an intent")
async def intent(
    intent_id: FromPath[UUID],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
) -> Response[IntentView]:
    """200 when it is done, 202 while it is not."""
    recorded = await find(services.database, user_id, intent_id)
    if recorded is None:
        raise not_found("intent")
    return answer(services, recorded)


handlers: list[Any] = [
    *contacts.handlers,
    me,
    change,
    close,
    wallet,
    transactions,
    notifications,
    intent,
]
router = Router("/v1", route_handlers=handlers, tags=["me"], security=[{"bearer": []}], opt=MEMBER)
