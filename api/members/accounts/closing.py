"""Closing one's account for good (GDPR, article 17; decision 0025)."""

from datetime import datetime
from typing import Any

from litestar import Request, delete
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from api.identity.factors import Factor, confirm_factor
from api.identity.owners import confirmed_owner
from api.identity.passwords import GivenPassword
from api.web_base.admission import HASHES
from api.web_base.documentation import problems
from api.web_base.problems import suspended
from api.web_base.services import Services
from models.fraud.holds import suspended_until
from models.privacy.erasure import CLOSING_WAITS_MAX, ERASE_AFTER, close_account
from runtime.clock import utcnow


class Farewell(Struct, frozen=True, forbid_unknown_fields=True):
    """The account's password, and with a second factor a code of it: whoever found a phone
    unlocked cannot close it."""

    password: GivenPassword
    second_factor: Factor | None = None


class Closed(Struct, frozen=True):
    """From when on the person behind the account is forgotten."""

    forgotten_from: datetime


@delete(
    "/me",
    status_code=200,
    summary="Close the account and be forgotten",
    opt=HASHES,
    responses=problems(409, 422),
)
async def close(
    request: Request[Any, Any, Any],
    data: JSONBody[Farewell],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
) -> Closed:
    """At once nobody can sign in or act any more. What tells who you are is erased soon after.

    The ledger keeps its rows, under a number that leads to nobody. There is no way back. While the
    account is suspended it waits, for a month at most: `retry_at` says until when.
    """
    account = await confirmed_owner(request, services, user_id, data.password)
    now = utcnow()
    until = await suspended_until(services.database, user_id, now)
    if until is not None and until - now <= CLOSING_WAITS_MAX:
        raise suspended(
            until, "This account is suspended. Close it once that is over, or write to support."
        )
    await confirm_factor(request, services, account, data.second_factor, now)
    await close_account(services.database, services.copies, user_id, now)
    return Closed(now + ERASE_AFTER)
