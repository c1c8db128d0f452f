"""Mining: the poll, starting a session, one's sessions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from api.intake.submit import IntentView, asks, submit
from api.poll.answer import answer_at_once, current_answer
from api.poll.held import PollResponse
from api.web_base.admission import LIGHT
from api.web_base.etags import PRIVATE
from api.web_base.limits import UNLIMITED
from api.web_base.paging import After, Limit, decode_cursor, encode_cursor
from api.web_base.permissions import MEMBER
from api.web_base.services import Services
from engine.core.money import format_amount
from engine.mining.actions import StartMining
from engine.status import MiningStatus
from models.base.db import Row
from models.ledger.history import SESSIONS, read_page
from runtime.clock import utcnow
from runtime.telemetry.meter import meter
from runtime.telemetry.metrics import POLL_ANSWERS


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


@get(
    "/status",
    summary="The poll",
    response_headers=PRIVATE,
    before_request=answer_at_once,
    opt=UNLIMITED | LIGHT,
)
async def status(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
) -> Response[MiningStatus]:
    """What a phone shows. Ask again at `next_poll_at`; with the ETag, 304 while nothing changed."""
    meter.count(POLL_ANSWERS, "read")
    with services.admission.room():
        answer = await current_answer(services, user_id, utcnow())
    known = request.headers.get("if-none-match")
    return PollResponse(answer, known.encode("latin-1") if known else None)


@post(
    "/sessions",
    status_code=202,
    summary="Start mining",
    opt=asks(StartMining) | {"limits": ("mining",)},
)
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
    page = await read_page(services.reading, SESSIONS, user_id, before, limit)
    return session_page(page, limit)


def session_page(page: Sequence[Row], limit: int) -> SessionPage:
    """A page of sessions as it is shown."""
    items = []
    for row in page:
        fields = {**row, "reward": format_amount(row.reward_micro)}
        del fields["reward_micro"]
        items.append(SessionView(**fields))
    return SessionPage(items, encode_cursor(page, limit, "requested_at"))


handlers: list[Any] = [status, start, sessions]
router = Router(
    "/v1/mining", route_handlers=handlers, tags=["mining"], security=[{"bearer": []}], opt=MEMBER
)
