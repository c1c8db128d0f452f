"""Server-sent events, for those who prefer to be told (decision 0033; WHATWG HTML, 9.2)."""

from typing import Annotated, Any

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import HeaderParameter
from litestar.response import ServerSentEvent

from api.poll.streams import follow
from api.web_base.admission import LIGHT
from api.web_base.permissions import MEMBER
from api.web_base.problems import ProblemError
from api.web_base.services import Services
from api.web_base.tokens import Access
from engine.core.text import LINE

LastEventId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID",
        pattern=LINE,
        max_length=100,
        description="The id of the last event.",
    ),
]
FULL_SECONDS = 30


@get(
    "/events",
    summary="How things stand, as it changes",
    media_type="text/event-stream",
    opt=LIGHT,  # it lasts, and has a bound of its own
)
async def events(
    services: NamedDependency[Services],
    access: NamedDependency[Access],
    last_event_id: LastEventId = None,
) -> ServerSentEvent:
    """`status` holds what the poll answers, `unread` how many notifications are unread.

    The stream ends with the access token, and when the member opens a fifth one. Open it again with
    the `Last-Event-ID`: what you have is not sent twice.
    """
    if services.streams.is_full():
        raise ProblemError(
            "busy",
            "Too many streams",
            503,
            "This server has no stream left. Poll meanwhile.",
            {"Retry-After": str(FULL_SECONDS)},
        )
    return ServerSentEvent(follow(services, access.user_id, last_event_id, access.expires_at))


handlers: list[Any] = [events]
router = Router(
    "/v1", route_handlers=handlers, tags=["events"], security=[{"bearer": []}], opt=MEMBER
)
