"""The day's tasks (decision 0019)."""

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter
from msgspec import Meta, Struct

from api.intake.submit import IntentView, asks, submit
from api.web_base.etags import PRIVATE
from api.web_base.permissions import MEMBER
from api.web_base.services import Services
from engine.core.text import prose
from engine.core.timeline import utc_day
from engine.tasks.actions import AnswerTask, CompleteTask, StartTask
from engine.tasks.state import ShownDay, show_day
from models.tasks.read import read_day
from runtime.clock import utcnow

Number = Annotated[int, PathParameter(ge=1, le=20)]


class StartBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing: the task is named in the path, its day by the clock."""


class CompleteBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Of a social task: what a moderator looks at, such as a link or a name."""

    proof: Annotated[str, prose(500, 1)] | None = None


class AnswerBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which option, from 0."""

    option: Annotated[int, Meta(ge=0, le=3)]


@get("/today", summary="Today's tasks", response_headers=PRIVATE)
async def today(services: NamedDependency[Services], user_id: NamedDependency[int]) -> ShownDay:
    """The twenty tasks of this UTC day, and how far one has come."""
    now = utcnow()
    day = utc_day(now)
    catalogue = (await services.catalogue.days([day], now))[day]
    return show_day(user_id, day, catalogue, await read_day(services.database, user_id, day))


@post(
    "/{number:int}/started",
    status_code=202,
    summary="Begin a task",
    opt=asks(StartTask) | {"limits": ("tasks",)},
)
async def started(
    number: Number,
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[StartBody | None] = None,
) -> Response[IntentView]:
    """Applied, its result holds the ad, the article or the question."""
    return await submit(request, services, user_id, StartTask(number))


@post(
    "/{number:int}/completed",
    status_code=202,
    summary="A task is done",
    opt=asks(CompleteTask) | {"limits": ("tasks",)},
)
async def completed(
    number: Number,
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[CompleteBody | None] = None,
) -> Response[IntentView]:
    """An article was read, or a social task done. Ads are reported as views, quizzes answered."""
    proof = data.proof if data else None
    return await submit(request, services, user_id, CompleteTask(number, proof))


@post(
    "/{number:int}/answer",
    status_code=202,
    summary="Answer a quiz task",
    opt=asks(AnswerTask) | {"limits": ("tasks",)},
)
async def answer(
    number: Number,
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[AnswerBody],
) -> Response[IntentView]:
    """Right, the task is paid; wrong, the result holds another question, three in all."""
    return await submit(request, services, user_id, AnswerTask(number, data.option))


handlers: list[Any] = [today, started, completed, answer]
router = Router(
    "/v1/tasks", route_handlers=handlers, tags=["tasks"], security=[{"bearer": []}], opt=MEMBER
)
