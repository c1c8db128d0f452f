"""What is known of one: take it along, object (GDPR; decision 0025)."""

import asyncio
from typing import Any

from litestar import Router, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.response import Stream
from msgspec import Struct

from api.web_base.etags import PRIVATE
from api.web_base.permissions import MEMBER
from api.web_base.problems import ProblemError
from api.web_base.services import Services
from models.accounts.consents import change_consents, read_consents
from models.privacy.export import export_account
from runtime.clock import utcnow

# Each holds a connection for as long as its reader takes.
EXPORTS_AT_ONCE = 2
_exporting = asyncio.Semaphore(EXPORTS_AT_ONCE)
ATTACHMENT = PRIVATE | {"Content-Disposition": 'attachment; filename="twtc-export.json"'}


class Consents(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether one agrees: to features of devices and addresses, kept against fraud; to news."""

    tracking: bool
    marketing: bool


@get("/me/export", summary="Everything that is kept about you", media_type="application/json")
async def export(services: NamedDependency[Services], user_id: NamedDependency[int]) -> Stream:
    """One JSON document, sent as it is read: every table with rows of yours."""
    if _exporting.locked():
        raise ProblemError(
            "busy",
            "Busy",
            503,
            "Others are taking their data along right now. Try again in a minute.",
            headers={"Retry-After": "60"},
        )

    async def document() -> Any:
        async with _exporting:
            async for piece in export_account(
                services.database, services.config.keyring, user_id, utcnow()
            ):
                yield piece

    return Stream(document(), media_type="application/json", headers=ATTACHMENT)


@get("/me/consents", summary="What one has agreed to", response_headers=PRIVATE)
async def consents(services: NamedDependency[Services], user_id: NamedDependency[int]) -> Consents:
    """Tracking until one objects, news only if one asks for them."""
    return _shown(await read_consents(services.database, user_id))


@put("/me/consents", summary="Agree or object")
async def change(
    data: JSONBody[Consents], services: NamedDependency[Services], user_id: NamedDependency[int]
) -> Consents:
    """Holds for what is recorded from now on. Every change is kept."""
    now = utcnow()
    before = await read_consents(services.database, user_id)
    wanted = {"TRACKING": data.tracking, "MARKETING": data.marketing}
    changes = {purpose: wish for purpose, wish in wanted.items() if before[purpose] != wish}
    await change_consents(services.database, user_id, changes, now)
    return data


def _shown(granted: dict[str, bool]) -> Consents:
    return Consents(tracking=granted["TRACKING"], marketing=granted["MARKETING"])


handlers: list[Any] = [export, consents, change]
router = Router(
    "/v1", route_handlers=handlers, tags=["privacy"], security=[{"bearer": []}], opt=MEMBER
)
