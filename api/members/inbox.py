"""Phones that want to be told, and what of the inbox has been read (decision 0023)."""

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter
from msgspec import Meta, Struct

from api.web_base.etags import PRIVATE
from api.web_base.permissions import MEMBER
from api.web_base.problems import not_found
from api.web_base.services import Services
from models.inbox.notes import count_unread, mark_read
from models.inbox.pushes import forget_device, register_device
from runtime.clock import utcnow

DeviceId = Annotated[str, PathParameter(pattern=r"^(?:[0-9a-f]{2}){1,64}\Z")]


class DeviceBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A phone's registration token of FCM."""

    token: Annotated[str, Meta(min_length=16, max_length=1024, pattern=r"^[\x21-\x7e]+\Z")]
    platform: Literal["ANDROID", "IOS", "WEB"]
    language: Literal["en", "ar"] = "en"


class DeviceView(Struct, frozen=True):
    """How the phone is named from now on."""

    id: str


class ReadBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which were read; without, all up to now."""

    ids: Annotated[list[UUID], Meta(min_length=1, max_length=100)] | None = None


class UnreadView(Struct, frozen=True):
    """How many are unread, up to 100."""

    unread_count: int


@post("/devices", status_code=200, summary="Tell this phone")
async def register(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[DeviceBody],
) -> DeviceView:
    """Send it at every start of the app: tokens change, and phones change hands."""
    id_ = await register_device(
        services.database, user_id, data.token, data.platform, data.language, utcnow()
    )
    return DeviceView(id_.hex())


@delete("/devices/{device_id:str}", status_code=204, summary="Tell this phone nothing any more")
async def forget(
    device_id: DeviceId, services: NamedDependency[Services], user_id: NamedDependency[int]
) -> None:
    """For signing out."""
    if not await forget_device(services.database, user_id, bytes.fromhex(device_id)):
        raise not_found("device")


@post("/notifications/read", status_code=200, summary="Mark notifications as read")
async def read(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[ReadBody | None] = None,
) -> UnreadView:
    """Answers how many are left."""
    await mark_read(services.database, user_id, data.ids if data else None, utcnow())
    return UnreadView(await count_unread(services.database, user_id))


@get("/notifications/unread", summary="How many are unread", response_headers=PRIVATE)
async def unread(
    services: NamedDependency[Services], user_id: NamedDependency[int]
) -> Response[UnreadView]:
    """The number on the bell."""
    shown = UnreadView(await count_unread(services.database, user_id))
    return Response(shown, headers=PRIVATE)


handlers: list[Any] = [register, forget, read, unread]
router = Router("/v1", route_handlers=handlers, tags=["me"], security=[{"bearer": []}], opt=MEMBER)
