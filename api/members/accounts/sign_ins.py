"""Where one is signed in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Router, delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from api.web_base.permissions import MEMBER
from api.web_base.problems import not_found
from api.web_base.services import Services
from api.web_base.tokens import Access
from models.accounts.sign_ins import live_sign_ins, revoke_sign_in
from runtime.clock import utcnow


class SignInView(Struct, frozen=True):
    """A device that is signed in."""

    id: UUID
    user_agent: str
    ip_address: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    is_this: bool


@get(
    "/me/sign-ins",
    summary="Where one is signed in",
    response_headers={"Cache-Control": "private, no-cache"},
)
async def sign_ins(
    services: NamedDependency[Services], access: NamedDependency[Access]
) -> list[SignInView]:
    """One's devices, the one seen last first."""
    found = await live_sign_ins(services.database, access.user_id, utcnow())
    return [SignInView(**row, is_this=row.id == access.sign_in_id) for row in found]


@delete("/me/sign-ins/{sign_in_id:uuid}", summary="Sign a device out")
async def end(
    sign_in_id: FromPath[UUID],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
) -> None:
    """It can renew its tokens no more; the one it has ends within fifteen minutes."""
    if not await revoke_sign_in(services.database, user_id, sign_in_id, utcnow()):
        raise not_found("sign-in")


handlers: list[Any] = [sign_ins, end]
router = Router("/v1", route_handlers=handlers, tags=["me"], security=[{"bearer": []}], opt=MEMBER)
