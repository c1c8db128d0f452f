"""Mining: the poll, starting a session, one's sessions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct
from msgspec.structs import replace

from api.admission import LIGHT
from api.auth import signed_in
from api.intake import IntentView, submit, with_page
from api.limits import UNLIMITED, check_poll
from api.paging import After, Limit, decode_cursor, encode_cursor
from api.permissions import MEMBER
from api.poll import Answer, Held, PollResponse, make_answer
from api.problems import ProblemError, unauthorized
from api.routes.me import PRIVATE
from api.services import Services
from engine.intents import StartMining
from engine.money import format_amount
from engine.status import MiningStatus, Snapshot, poll_delay, render_status
from models.db import Row
from models.history import SESSIONS, read_page
from models.status import load_snapshot
from runtime.clock import utcnow
from runtime.telemetry.meter import meter
from runtime.telemetry.metrics import POLL_ANSWERS

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


async def answer_at_once(request: Request[Any, Any, Any]) -> PollResponse | None:
    """Answer the poll from what this process holds, without more of the framework than it needs.

    None leaves the request to the handler: what is not held takes longer anyway.
    """
    services: Services = request.app.state["services"]  # quicker than the attribute
    headers = dict(reversed([*request.scope["headers"]]))  # of several of a name the first counts
    try:
        user_id = signed_in(services, headers.get(b"authorization", b"").decode("latin-1"))
    except ProblemError:
        if services.config.has_limits:
            await check_poll(request.scope, services, None)
        raise
    if services.config.has_limits:
        await check_poll(request.scope, services, user_id)
    now = utcnow()
    held = services.held.find(user_id, now)
    if held is None:
        return None
    services.held.hits += 1
    return PollResponse(_answer_of(services, held, now), headers.get(b"if-none-match"))


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


async def current_answer(services: Services, user_id: int, now: datetime) -> Answer:
    """What the poll answers now, wherever it is found. Raise ProblemError (401) for nobody."""
    held = services.held.find(user_id, now) or await services.held.read(user_id, now)
    if held is None:
        held = Held(await _load(services, user_id), now)
    return _answer_of(services, held, now)


async def _load(services: Services, user_id: int) -> Snapshot:
    """A user's snapshot from PostgreSQL, leaving a copy in Redis."""
    snapshot = await load_snapshot(services.database, user_id)
    if snapshot is None:
        raise unauthorized("This account no longer exists.")
    await services.copies.write([snapshot])
    return snapshot


def _answer_of(services: Services, held: Held, now: datetime) -> Answer:
    """The answer made before, or another one if time has changed it."""
    answer = held.answer
    if answer is None or not answer.rendered_at <= now < answer.changes_at:
        table = services.installation.table
        shown = render_status(held.snapshot, table, now)
        changes_at = shown.next_poll_at - poll_delay(table.timing, held.snapshot.user_id)
        if shown.ad is not None:
            shown = replace(shown, ad=with_page(services, shown.ad))
        answer = held.answer = make_answer(_encoder.encode(shown), now, changes_at)
    return answer


@post("/sessions", status_code=202, summary="Start mining", opt={"limits": ("mining",)})
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
