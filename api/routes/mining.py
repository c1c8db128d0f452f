"""Mining: the poll, starting a session, one's sessions."""

from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct
from msgspec.structs import replace

from api.intake import IntentView, submit, with_page
from api.paging import After, Limit, decode_cursor, encode_cursor
from api.problems import unauthorized
from api.routes.me import PRIVATE
from api.services import Services
from engine.intents import StartMining
from engine.money import format_amount
from engine.status import MiningStatus, Snapshot, render_status
from models.clock import utcnow
from models.history import SESSIONS, read_page
from models.status import load_snapshot

_encoder = msgspec.json.Encoder()


class StartBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: who, when and from where is known."""


class SessionView(Struct, frozen=True):
    """A session, whatever became of it."""

    id: UUID
    status: str
    group_number: int
    reward: str
    requested_at: datetime
    started_at: datetime | None
    ends_at: datetime | None
    settled_at: datetime | None
    failed_at: datetime | None
    failure: str | None


class SessionPage(Struct, frozen=True):
    """Newest first."""

    items: list[SessionView]
    next_cursor: str | None


@get("/status", summary="The poll", response_headers=PRIVATE)
async def status(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
) -> Response[MiningStatus]:
    """What a phone shows. Ask again at `next_poll_at`; with the ETag, 304 while nothing changed."""
    snapshot = await read_snapshot(services, user_id)
    shown = render_status(snapshot, services.installation.table, utcnow())
    if shown.ad is not None:
        shown = replace(shown, ad=with_page(services, shown.ad))
    body = _encoder.encode(shown)
    etag = f'"{sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": etag, **PRIVATE}
    if {etag, "*"} & _tags(request.headers.get("if-none-match", "")):
        return Response(None, status_code=304, headers=headers)  # type: ignore[arg-type]
    return Response(body, media_type="application/json", headers=headers)  # type: ignore[arg-type]


async def read_snapshot(services: Services, user_id: int) -> Snapshot:
    """A user's snapshot from Redis, or else from PostgreSQL, leaving a copy in Redis."""
    snapshot = await services.copies.read(user_id)
    if snapshot is None:
        snapshot = await load_snapshot(services.database, user_id)
        if snapshot is None:
            raise unauthorized("This account no longer exists.")
        await services.copies.write([snapshot])
    return snapshot


def _tags(header: str) -> set[str]:
    """Entity tags of If-None-Match, compared weakly (RFC 9110, section 13.1.2)."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}


@post("/sessions", status_code=202, summary="Start mining")
async def start(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[StartBody | None] = None,
) -> Response[IntentView]:
    """Record a start. Applied, its result holds the ad to show; refused, when to come back."""
    return await submit(request, services, user_id, StartMining())


@get("/sessions", summary="One's sessions", response_headers=PRIVATE)
async def sessions(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    cursor: After = None,
    limit: Limit = 20,
) -> SessionPage:
    """One's sessions, a page at a time."""
    before = decode_cursor(cursor)
    page = await read_page(services.database, SESSIONS, user_id, before, limit)
    items = []
    for row in page:
        fields = {**row, "reward": format_amount(row.reward_micro)}
        del fields["reward_micro"]
        items.append(SessionView(**fields))
    return SessionPage(items, encode_cursor(page, limit, "requested_at"))


handlers: list[Any] = [status, start, sessions]
router = Router("/v1/mining", route_handlers=handlers, tags=["mining"], security=[{"bearer": []}])
