"""What the poll answers: what is held, with what the time has made of it."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request
from msgspec.structs import replace

from api.intake.submit import with_page
from api.poll.held import Answer, HeldStatus, PollResponse, make_answer
from api.web_base.limits import check_poll
from api.web_base.problems import ProblemError, unauthorized
from api.web_base.services import Services
from api.web_base.tokens import signed_in
from engine.status import Snapshot, poll_delay, render_status
from models.mining.snapshots import load_snapshot
from runtime.clock import utcnow

_encoder = msgspec.json.Encoder()


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


async def current_answer(services: Services, user_id: int, now: datetime) -> Answer:
    """What the poll answers now, wherever it is found. Raise ProblemError (401) for nobody."""
    held = services.held.find(user_id, now) or await services.held.read(user_id, now)
    if held is None:
        held = HeldStatus(await _load(services, user_id), now)
    return _answer_of(services, held, now)


async def _load(services: Services, user_id: int) -> Snapshot:
    """A user's snapshot from PostgreSQL, leaving a copy in Redis."""
    snapshot = await load_snapshot(services.database, user_id)
    if snapshot is None:
        raise unauthorized("This account no longer exists.")
    await services.copies.write([snapshot])
    return snapshot


def _answer_of(services: Services, held: HeldStatus, now: datetime) -> Answer:
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
