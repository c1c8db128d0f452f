"""Boosts in the demo: watching with beats, skipping, answering rightly, wrongly or too late."""

from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any, Protocol

from api.web_base.services import Services
from engine.content.library import Library, is_right
from trials.asgi import Reply
from trials.demo.population import Visit

BEGINS_AFTER_SECONDS = 130
FILM_SECONDS = 24
BEAT_SECONDS = 12
APPLIED_AFTER = timedelta(minutes=30)


class Life(Protocol):
    """What is needed of trials.demo.lifetime.Lifetime."""

    services: Services
    seed: int
    has_moderators: bool

    async def post(
        self,
        visit: Visit,
        path: str,
        after_seconds: int,
        key_at: int | None = None,
        body: object = None,
    ) -> Reply: ...

    async def request(self, visit: Visit, method: str, path: str, after_seconds: int) -> Reply: ...

    async def outcome(self, visit: Visit, reply: Reply, after_seconds: int) -> Any: ...

    async def confirm(self, visit: Visit, ad: dict[str, Any], after_seconds: int) -> None: ...

    async def each(self, jobs: Any) -> list[Any]: ...

    async def drain_all(self, at: datetime) -> None: ...

    def user_id(self, visit: Visit) -> int: ...

    def at(self, at: datetime, purpose: str) -> None: ...


class Viewer(StrEnum):
    """How one watches."""

    RIGHT = "RIGHT"
    WRONG = "WRONG"
    LATE = "LATE"  # answers after the thirty seconds
    SKIPS = "SKIPS"  # to the end, and leaves
    MUTES = "MUTES"  # and leaves


SHARES = {
    Viewer.RIGHT: 0.72,
    Viewer.WRONG: 0.14,
    Viewer.LATE: 0.04,
    Viewer.SKIPS: 0.06,
    Viewer.MUTES: 0.04,
}


async def boost(life: Life, visits: list[Visit]) -> None:
    """Everybody watches one video; phase by phase, as the workers need them."""
    if not visits:
        return
    applied_at = max(visit.starts_at for visit in visits) + APPLIED_AFTER
    library = await life.services.catalogue.library()
    started = await life.each(_start(life, visit, library) for visit in visits)
    await life.drain_all(applied_at)
    read = await life.each(
        _read(life, visit, reply) for visit, reply in zip(visits, started, strict=True)
    )
    watching = [(v, b) for v, b in zip(visits, read, strict=True) if b is not None]
    watched = await life.each(_watch(life, visit, begun) for visit, begun in watching)
    await life.drain_all(applied_at)
    seen = [pair for pair, is_complete in zip(watching, watched, strict=True) if is_complete]
    shown = await life.each(_ask(life, visit, begun) for visit, begun in seen)
    await life.drain_all(applied_at)
    await life.each(
        _answer(life, visit, begun, _right(library, begun, reply.json()))
        for (visit, begun), reply in zip(seen, shown, strict=True)
        if reply.status == 200
    )
    await life.drain_all(applied_at)


def viewer_of(life: Life, visit: Visit) -> Viewer:
    """How this visit's video is watched. The same seed gives the same viewer."""
    random = Random(f"{life.seed}:viewer:{visit.number}:{visit.starts_at}")  # noqa: S311
    return random.choices(list(SHARES), list(SHARES.values()))[0]


async def _start(life: Life, visit: Visit, library: Library) -> Reply:
    films = sorted(v.id for v in library.videos.values() if v.duration_seconds == FILM_SECONDS)
    film = films[(visit.starts_at.hour // 4 + visit.number) % len(films)]
    return await life.post(visit, "/v1/boosts", BEGINS_AFTER_SECONDS, body={"video_id": film})


async def _read(life: Life, visit: Visit, reply: Reply) -> dict[str, Any] | None:
    result: dict[str, Any] | None = await life.outcome(visit, reply, BEGINS_AFTER_SECONDS + 1)
    return result


async def _watch(life: Life, visit: Visit, begun: dict[str, Any]) -> bool:
    viewer, is_complete = viewer_of(life, visit), False
    for seconds in range(BEAT_SECONDS, FILM_SECONDS + 1, BEAT_SECONDS):
        body = {
            "watch_token": begun["watch_token"],
            "position_seconds": FILM_SECONDS if viewer is Viewer.SKIPS else seconds,
            "state": "PLAYING",
            "muted": viewer is Viewer.MUTES,
            "visible": True,
        }
        path = f"/v1/boosts/{begun['boost_id']}/progress"
        shown = (await life.post(visit, path, BEGINS_AFTER_SECONDS + seconds, body=body)).json()
        begun["watch_token"], is_complete = shown["watch_token"], shown["is_complete"]
        if viewer is Viewer.SKIPS:
            break
    return is_complete


async def _ask(life: Life, visit: Visit, begun: dict[str, Any]) -> Reply:
    after_seconds = BEGINS_AFTER_SECONDS + FILM_SECONDS + 1
    path = f"/v1/boosts/{begun['boost_id']}/question"
    return await life.request(visit, "GET", path, after_seconds)


def _right(library: Library, begun: dict[str, Any], shown: dict[str, Any]) -> int:
    """What who has watched knows."""
    questions = (library.questions[k] for k in library.videos[begun["video_id"]].question_keys)
    question = next(q for q in questions if q.text == shown["text"])
    return next(o for o in range(4) if is_right(question, begun["boost_id"], o))


async def _answer(life: Life, visit: Visit, begun: dict[str, Any], right: int) -> None:
    viewer = viewer_of(life, visit)
    option = right if viewer is not Viewer.WRONG else (right + 1) % 4
    thinking = 45 if viewer is Viewer.LATE else 9
    path = f"/v1/boosts/{begun['boost_id']}/answer"
    after_seconds = BEGINS_AFTER_SECONDS + FILM_SECONDS + 1 + thinking
    await life.post(visit, path, after_seconds, body={"option": option})
