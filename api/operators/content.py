"""What people watch, read and are asked; what tasks there are and what they pay."""

from typing import Any

from asyncpg import IntegrityConstraintViolationError
from litestar import Response, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Struct

from api.operators.pay import PROPOSED, propose_or_make
from api.operators.words import Reason
from api.web_base.documentation import problems
from api.web_base.etags import PRIVATE
from api.web_base.permissions import needs
from api.web_base.problems import ProblemError
from api.web_base.services import Services
from engine.admin.permissions import Permission
from models.base.db import transaction
from models.base.trail import Actor
from models.content.editing import (
    ArticleRow,
    QuestionRow,
    TaskTypeRow,
    VideoRow,
    read_content,
    write_row,
)
from runtime.clock import utcnow


class VideoBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole video, and why it is written."""

    row: VideoRow
    reason: Reason


class ArticleBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole article, and why it is written."""

    row: ArticleRow
    reason: Reason


class QuestionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole question, and why it is written."""

    row: QuestionRow
    reason: Reason


class TaskTypeBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A whole kind of task, and why it is written."""

    row: TaskTypeRow
    reason: Reason


_EDIT = needs(Permission.CONTENT_EDIT)
_PAY = needs(Permission.REWARDS_CHANGE)  # what a task pays is money
_REFUSED = problems(409)


@get("/content/videos", summary="Videos", opt=_EDIT, response_headers=PRIVATE)
async def videos(services: NamedDependency[Services]) -> list[VideoRow]:
    """All of them, shown or not."""
    return await read_content(services.database, VideoRow)  # type: ignore[return-value]


@put(
    "/content/videos",
    status_code=204,
    summary="Write a video",
    opt=_EDIT,
    responses=_REFUSED | PROPOSED,
)
async def write_video(
    data: JSONBody[VideoBody], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Response[None]:
    """Added, or replaced by its provider's id. It is boosted with once it has a question.

    202 if it takes two: a new one, one that is shown again, or another boost. Then a colleague has
    to approve it within a week.
    """
    return await propose_or_make(services, data.row, actor, data.reason)


@get("/content/articles", summary="Articles", opt=_EDIT, response_headers=PRIVATE)
async def articles(services: NamedDependency[Services]) -> list[ArticleRow]:
    """All of them, shown or not."""
    return await read_content(services.database, ArticleRow)  # type: ignore[return-value]


@put("/content/articles", status_code=204, summary="Write an article", opt=_EDIT)
async def write_article(
    data: JSONBody[ArticleBody], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Added, or replaced by its slug; in the tasks from the next day on."""
    await _write(services, data.row, actor, data.reason)


@get("/content/questions", summary="Questions", opt=_EDIT, response_headers=PRIVATE)
async def questions(services: NamedDependency[Services]) -> list[QuestionRow]:
    """All of them with their answers, asked or not."""
    return await read_content(services.database, QuestionRow)  # type: ignore[return-value]


@put(
    "/content/questions", status_code=204, summary="Write a question", opt=_EDIT, responses=_REFUSED
)
async def write_question(
    data: JSONBody[QuestionBody], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> None:
    """Added, or replaced by its key. Who is asked it now is judged by the new one."""
    await _write(services, data.row, actor, data.reason)


@get("/content/task-types", summary="Kinds of tasks", opt=_EDIT, response_headers=PRIVATE)
async def task_types(services: NamedDependency[Services]) -> list[TaskTypeRow]:
    """All of them, drawn or not."""
    return await read_content(services.database, TaskTypeRow)  # type: ignore[return-value]


@put(
    "/content/task-types",
    status_code=204,
    summary="Write a kind of task",
    opt=_PAY,
    responses=_REFUSED | PROPOSED,
)
async def write_task_type(
    data: JSONBody[TaskTypeBody], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> Response[None]:
    """Added, or replaced by its id; in the tasks from the next day on.

    202 if it takes two: whatever changes more than its words, but to switch it off. Then a
    colleague has to approve it within a week.
    """
    return await propose_or_make(services, data.row, actor, data.reason)


async def _write(services: Services, row: Struct, actor: Actor, reason: str) -> None:
    try:
        async with transaction(services.database) as connection:
            await write_row(connection, row, actor, reason, utcnow())
    except IntegrityConstraintViolationError:
        raise ProblemError(
            "conflict", "Not possible now", 409, "What it refers to is not there, or it cannot be."
        ) from None


handlers: list[Any] = [
    videos,
    write_video,
    articles,
    write_article,
    questions,
    write_question,
    task_types,
    write_task_type,
]
