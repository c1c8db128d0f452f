"""The moderators' queue: social tasks that were handed in."""

from datetime import date, datetime
from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter
from msgspec import Struct

from api.operators.words import UserId
from api.web_base.days import OF_DAY, day_of
from api.web_base.etags import PRIVATE
from api.web_base.permissions import needs
from api.web_base.problems import ProblemError, not_found
from api.web_base.services import Services
from engine.admin.permissions import Permission
from engine.core.piece import Piece
from engine.core.text import Dated, prose
from models.admin.roles import NotAllowedError
from models.base.trail import Actor
from models.intents.record import NothingToActOnError
from models.tasks.reviews import awaiting_review, record_review
from runtime.clock import utcnow

Number = Annotated[int, PathParameter(ge=1, le=20)]
Day = Annotated[str, PathParameter(**OF_DAY)]


class AwaitingView(Struct, frozen=True):
    """What a member handed in, in their words."""

    user_id: int
    day: date
    number: int
    proof: str | None
    submitted_at: datetime
    name: str


class VerdictBody(Dated, frozen=True, forbid_unknown_fields=True):
    """A verdict on what was handed in at that instant; something newer is not meant."""

    submitted_at: datetime
    is_approved: bool
    reason: Annotated[str, prose(500)] = ""


@get(
    "/reviews",
    summary="Tasks that await a verdict",
    opt=needs(Permission.TASKS_REVIEW),
    response_headers=PRIVATE,
)
async def reviews(services: NamedDependency[Services]) -> list[AwaitingView]:
    """Those that have waited longest."""
    return [AwaitingView(**row) for row in await awaiting_review(services.database)]


@post(
    "/users/{subject_id:int}/tasks/{day:str}/{number:int}/review",
    status_code=204,
    summary="Approve or refuse a task",
    opt=needs(Permission.TASKS_REVIEW),
)
async def review(
    subject_id: UserId,
    day: Day,
    number: Number,
    data: JSONBody[VerdictBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """Recorded; approved, the task is paid. The first verdict counts, and none on one's own.

    It stands in the task.
    """
    try:
        recorded = await record_review(
            services.database,
            subject_id,
            day_of(day),
            number,
            data.submitted_at,
            is_approved=data.is_approved,
            reviewer=str(actor.user_id),
            now=utcnow(),
            actor=actor,
            reason=data.reason,
        )
    except NotAllowedError as error:
        raise ProblemError("forbidden", "Not allowed", 403, str(error)) from None
    except NothingToActOnError:
        raise not_found("user") from None
    await services.bells.ring(Piece(recorded.group_number, recorded.bucket))


handlers = [reviews, review]
