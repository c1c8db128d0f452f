"""Boosts: watching a video, its question, the answer (decision 0020)."""

from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.intake.submit import IntentView, asks, own_evidence, record_and_ring, submit
from api.intake.watch_token import seal, unseal
from api.web_base.documentation import problems
from api.web_base.permissions import MEMBER
from api.web_base.problems import ProblemError, bad_request, not_found
from api.web_base.services import Services
from engine.boosts.actions import AnswerBoost, AskQuestion, FailBoost, FinishWatch, StartBoost
from engine.boosts.rules import boost_question
from engine.boosts.state import ANSWER_TIME, OPEN_BOOST_STATUSES
from engine.boosts.watching import BEAT_SECONDS, Beat, Fault, PlayerState, advance
from engine.core.action import Action
from engine.core.text import line
from models.intents.record import Recorded, Wish
from models.ledger.history import read_boost
from runtime.clock import utcnow

_POSITION_SECONDS_MAX = 86_400


class StartBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which video. `player_seconds` is of clients of earlier releases, and is not read."""

    video_id: Annotated[str, Meta(min_length=3, max_length=100, pattern=r"^[\w.:-]+\Z")]
    player_seconds: Annotated[int, Meta(ge=1, le=_POSITION_SECONDS_MAX)] | None = None


class FailureBody(Struct, frozen=True, forbid_unknown_fields=True):
    """UNPLAYABLE: the player says that it cannot show the video. UNREACHABLE: it says nothing."""

    cause: Literal["UNPLAYABLE", "UNREACHABLE"]


class BeatBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What the player does, and the token of the beat before."""

    watch_token: Annotated[str, line(200)]
    position_seconds: Annotated[float, Meta(ge=0, le=_POSITION_SECONDS_MAX)]
    state: PlayerState
    muted: bool
    visible: bool


class ProgressView(Struct, frozen=True):
    """How far the watch has come. With a `fault`, the beat did not count: the viewer goes back to
    `reached_seconds`. Complete, the question may be fetched."""

    watch_token: str
    reached_seconds: float
    duration_seconds: float
    is_complete: bool
    fault: Fault | None
    next_beat_seconds: int


class QuestionView(Struct, frozen=True):
    """The question, by language; answer with the number of the option, from 0."""

    boost_id: UUID
    text: dict[str, str]
    options: dict[str, list[str]]
    asked_at: datetime
    answer_by: datetime


class AnswerBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which option, from 0."""

    option: Annotated[int, Meta(ge=0, le=3)]


@post("/", status_code=202, summary="Watch a video for a boost", opt=asks(StartBoost))
async def start(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[StartBody],
) -> Response[IntentView]:
    """Applied, its result holds the watch token for the first beat. One watch at a time."""
    return await submit(request, services, user_id, StartBoost(data.video_id))


@post("/{boost_id:uuid}/progress", status_code=200, summary="A beat of the player")
async def progress(
    boost_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[BeatBody],
) -> ProgressView:
    """Send one every few seconds, and at each change. No Idempotency-Key: a repeat adds nothing."""
    before = unseal(services.config.secret, data.watch_token)
    if before is None or before.boost_id != boost_id:
        raise bad_request("This watch_token is not one of ours for this boost.")
    beat = Beat(int(data.position_seconds * 1_000_000), data.state, data.muted, data.visible)
    at = utcnow()
    after, fault = advance(before, beat, at)
    if after.is_complete and not before.is_complete:
        finish = FinishWatch(boost_id, after.faults)
        await _record(request, services, user_id, str(boost_id), finish, at)
    return ProgressView(
        watch_token=seal(services.config.secret, after),
        reached_seconds=after.reached_us / 1_000_000,
        duration_seconds=after.duration_us / 1_000_000,
        is_complete=after.is_complete,
        fault=fault,
        next_beat_seconds=BEAT_SECONDS,
    )


@post(
    "/{boost_id:uuid}/failed",
    status_code=202,
    summary="The video cannot be played",
    opt=asks(FailBoost),
)
async def failed(
    boost_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[FailureBody],
) -> Response[IntentView]:
    """Give the boost up, before its question: none of the day's boosts is spent.

    A video that several members cannot play is looked up at its provider.
    """
    return await submit(request, services, user_id, FailBoost(boost_id, data.cause))


@get(
    "/{boost_id:uuid}/question",
    summary="The question, once the video was watched",
    responses=problems(409),
)
async def question(
    boost_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
) -> Response[QuestionView]:
    """The time for the answer runs from the first fetch, which spends one of the day's boosts;
    fetching again changes nothing."""
    boost = await read_boost(services.database, user_id, boost_id)
    if boost is None:
        raise not_found("boost")
    if boost.status not in OPEN_BOOST_STATUSES:
        raise ProblemError("boost-closed", "Boost closed", 409, "This boost is over.")
    if boost.watched_at is None:
        raise ProblemError(
            "watch-incomplete", "Video not watched", 409, "Watch the complete video first."
        )
    at = max(utcnow(), boost.watched_at)  # another server's clock may be ahead of this one
    ask = AskQuestion(boost_id)
    asked = await _record(request, services, user_id, f"ask:{boost_id}", ask, at)
    found = (await services.catalogue.library()).questions[boost.question_key]
    put = boost_question(boost_id, found)
    shown = QuestionView(
        boost_id=boost_id,
        text=put.text,
        options=put.options,
        asked_at=asked.recorded_at,
        answer_by=asked.recorded_at + ANSWER_TIME,
    )
    return Response(shown, headers={"Cache-Control": "private, no-store"})


@post(
    "/{boost_id:uuid}/answer", status_code=202, summary="Answer the question", opt=asks(AnswerBoost)
)
async def answer(
    boost_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    data: JSONBody[AnswerBody],
) -> Response[IntentView]:
    """One answer. Applied, `is_correct` tells; right, the boost is paid."""
    return await submit(request, services, user_id, AnswerBoost(boost_id, data.option))


async def _record(
    request: Request[Any, Any, Any],
    services: Services,
    user_id: int,
    key: str,
    action: Action,
    at: datetime,
) -> Recorded:
    """Record once what this server has seen for itself."""
    wish = Wish(
        user_id=user_id,
        action=action,
        # The user is part of it: a token that was passed on must not use up the owner's key.
        origin=f"watch:{user_id}",
        key=key,
        body_hash=sha256(key.encode()).digest(),
        recorded_at=at,
        evidence=own_evidence(request, services, user_id),
    )
    return await record_and_ring(services, wish)


handlers: list[Any] = [start, progress, failed, question, answer]
router = Router(
    "/v1/boosts", route_handlers=handlers, tags=["boosts"], security=[{"bearer": []}], opt=MEMBER
)
