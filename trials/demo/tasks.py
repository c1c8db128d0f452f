"""Daily tasks in the demo: a wave of them in one visit, and moderators who look at the rest."""

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from msgspec import Struct

from engine.content.library import Library, is_right
from engine.core.piece import Piece
from engine.core.timeline import utc_day
from engine.tasks.state import Category, DrawnTask, draw_day
from models.tasks.reviews import awaiting_review, record_review
from runtime.clock import utcnow
from trials.asgi import Reply
from trials.demo.boosts import Life
from trials.demo.population import Visit

BEGINS_AFTER_SECONDS = 230
SECONDS_PER_TASK = 30
ANSWERS_WRONG = 0.15
APPROVED = 0.9
APPLIED_AFTER = timedelta(minutes=30)


class Job(Struct, frozen=True):
    """One task in one visit."""

    visit: Visit
    day: date
    task: DrawnTask
    after_seconds: int


async def work(life: Life, visits: list[Visit]) -> None:
    """Everybody does the tasks that are available to them; phase by phase."""
    if not visits:
        return
    applied_at = max(visit.starts_at for visit in visits) + APPLIED_AFTER
    library = await life.services.catalogue.library()
    plans = await life.each(_plan(life, visit) for visit in visits)
    jobs: list[Job] = [job for plan in plans for job in plan]
    replies = await life.each(
        life.post(job.visit, _path(job, "started"), job.after_seconds) for job in jobs
    )
    await life.drain_all(applied_at)
    begun = [(job, r) for job, r in zip(jobs, replies, strict=True) if "location" in r.headers]
    await life.each(_finish(life, job, reply, library) for job, reply in begun)
    await life.drain_all(applied_at)
    if life.has_moderators:
        await _review(life, applied_at)
    await life.drain_all(applied_at)


async def _plan(life: Life, visit: Visit) -> list[Job]:
    """What is available in the day's list."""
    shown = (await life.request(visit, "GET", "/v1/tasks/today", BEGINS_AFTER_SECONDS - 1)).json()
    day = date.fromisoformat(shown["day"])
    at = visit.starts_at + timedelta(seconds=BEGINS_AFTER_SECONDS)
    catalogue = (await life.services.catalogue.days([day], at)).get(day)
    if catalogue is None or utc_day(at + timedelta(minutes=5)) != day:
        return []  # midnight is near
    drawn = draw_day(life.user_id(visit), day, catalogue)
    available = [task["number"] for task in shown["tasks"] if task["status"] == "AVAILABLE"]
    return [
        Job(visit, day, drawn[number - 1], BEGINS_AFTER_SECONDS + SECONDS_PER_TASK * place)
        for place, number in enumerate(available)
    ]


def _path(job: Job, what: str) -> str:
    return f"/v1/tasks/{job.task.number}/{what}"


async def _finish(life: Life, job: Job, reply: Reply, library: Library) -> None:
    match job.task.type.category:
        case Category.ADS:
            await _watch_ad(life, job, reply)
        case Category.CONTENT:
            await life.post(job.visit, _path(job, "completed"), job.after_seconds + 25)
        case Category.QUIZ:
            await _answer(life, job, library)
        case Category.SOCIAL:
            body = {"proof": f"@traveller{job.visit.number}"}
            path = _path(job, "completed")
            await life.post(job.visit, path, job.after_seconds + 5, body=body)


async def _watch_ad(life: Life, job: Job, reply: Reply) -> None:
    result = await life.outcome(job.visit, reply, job.after_seconds + 1)
    if not result:
        return
    ad: dict[str, Any] = result["ad"]
    path = f"/v1/ads/views/{ad['view_id']}"
    await life.post(job.visit, f"{path}/started", job.after_seconds + 2)
    await life.post(job.visit, f"{path}/completed", job.after_seconds + 3 + ad["min_seconds"])
    await life.confirm(job.visit, ad, job.after_seconds + 4 + ad["min_seconds"])


async def _answer(life: Life, job: Job, library: Library) -> None:
    """Once; who is wrong leaves it at that."""
    user_id, number = life.user_id(job.visit), job.task.number
    question = library.questions[job.task.subjects[0]]
    seed = f"{user_id}:{job.day.isoformat()}:{number}:1"
    right = next(option for option in range(4) if is_right(question, seed, option))
    random = Random(f"{life.seed}:quiz:{seed}")  # noqa: S311
    option = right if random.random() >= ANSWERS_WRONG else (right + 1) % 4
    await life.post(job.visit, _path(job, "answer"), job.after_seconds + 5, body={"option": option})


async def _review(life: Life, at: datetime) -> None:
    """A moderator judges what has been handed in."""
    for row in await awaiting_review(life.services.database):
        life.at(at, f"review:{row.user_id}:{row.day}:{row.number}")
        random = Random(f"{life.seed}:review:{row.user_id}:{row.day}:{row.number}")  # noqa: S311
        recorded = await record_review(
            life.services.database,
            row.user_id,
            row.day,
            row.number,
            row.submitted_at,
            is_approved=random.random() < APPROVED,
            reviewer="demo",
            now=utcnow(),
        )
        await life.services.bells.ring(Piece(recorded.group_number, recorded.bucket))
