"""Intents that pay, bells for them, and what the queue dashboard shows of those."""

from typing import Any

import dramatiq
import httpx
from dramatiq.brokers.redis import RedisBroker
from redis import Redis

from benchmarks.intents_kind import NUMBER, TASKS, Sender, wish_of
from engine.content.library import OPTION_COUNT, is_right
from engine.core.piece import Piece
from engine.core.timeline import Timetable, utc_day
from engine.tasks.state import Category
from models.accounts.register import Newcomer, register
from models.base.db import Database, connected, rows, run, sql
from models.base.partitions import prepare_partitions
from models.content.catalogue import Catalogue
from models.installation.settings import load_installation
from models.intents.record import record
from models.operations.invariants import audit
from runtime.broker.bells import bell, open_broker, queue_name
from runtime.clock import utcnow
from runtime.environment import Config
from tests.kit.processes import Processes, until

PASSWORD = "the-password-of-ops"
HIDE = sql("ALTER TABLE intents RENAME TO hidden_intents")
SHOW = sql("ALTER TABLE hidden_intents RENAME TO intents")
PAID = sql("SELECT count(*) AS times FROM transactions WHERE user_id = :user_id")


async def record_answer(config: Config, database: Database, name: str) -> tuple[int, Piece]:
    """Somebody answers a quiz task rightly; nobody has rung for it. Return who, and where."""
    now = utcnow()
    table: Timetable = (await load_installation(database)).table
    await prepare_partitions(database, now.date())
    newcomer = Newcomer("email", f"{name}@example.com", "not-a-hash", verified_at=now)
    account = await register(database, config.keyring, table, newcomer, now)
    day, catalogue = utc_day(now), Catalogue(database)
    offered = (await catalogue.days([day], now))[day]
    question = (await catalogue.library()).questions[offered.questions[0]]
    quiz = next(kind for kind in offered.types if kind.category is Category.QUIZ)
    task = {
        "day": day,
        "number": NUMBER,
        "type": quiz.id,
        "subject": question.key,
        "reward": quiz.reward_micro,
        "now": now,
    }
    async with connected(database) as connection:
        await run(
            connection, sql(f"{TASKS.source} WHERE u.id = :user"), task | {"user": account.id}
        )
    seed = f"{account.id}:{day.isoformat()}:{NUMBER}:1"
    option = next(o for o in range(OPTION_COUNT) if is_right(question, seed, o))
    recorded = await record(database, wish_of(Sender(account.id, option), now))
    return account.id, Piece(recorded.group_number, recorded.bucket)


async def times_paid(database: Database, user_id: int) -> int:
    """How many transfers somebody got; the books are right."""
    assert await audit(database) == []
    async with connected(database) as connection:
        return int((await rows(connection, PAID, {"user_id": user_id}))[0].times)


def ring(config: Config, piece: Piece, **options: int) -> str:
    """Enqueue a bell with options of its own. Return the message's id."""
    broker = open_broker(config.broker_url, [])
    message: dramatiq.Message[Any] = bell(piece).copy(options=options)
    broker.enqueue(message)
    broker.close()
    assert isinstance(broker, RedisBroker)
    broker.client.close()
    return message.message_id


class Ops:
    """Somebody with a browser, at the dashboard."""

    def __init__(self, processes: Processes, piece: Piece) -> None:
        self.queue = queue_name(piece.group_number)
        self.http = httpx.Client(base_url=processes.dashboard, auth=("ops", PASSWORD), timeout=5)
        until(self.is_there, "the dashboard")

    def close(self) -> None:
        """Leave."""
        self.http.close()

    def is_there(self) -> bool:
        """Whether the dashboard answers."""
        try:
            return self.http.get("/").status_code == 200
        except httpx.TransportError:
            return False

    def workers(self) -> list[dict[str, Any]]:
        """Who is shown as alive."""
        found: list[dict[str, Any]] = self.http.get("/0/data/workers.json").json()["workers"]
        return found

    def queues(self) -> dict[str, dict[str, Any]]:
        """The queues and their figures."""
        return {q["name"]: q for q in self.http.get("/0/data/queues.json").json()["queues"]}

    def jobs(self, registry: str) -> dict[str, dict[str, Any]]:
        """What is listed of the queue, by id."""
        answer = self.http.get(f"/0/data/jobs/{self.queue}/{registry}/100/asc/1.json").json()
        return {job["id"]: job for job in answer["jobs"]}

    def job(self, job_id: str) -> dict[str, Any]:
        """A job's page; empty if there is none."""
        answer = self.http.get(f"/0/data/job/{job_id}.json")
        found: dict[str, Any] = answer.json() if answer.status_code == 200 else {"status": None}
        return found

    def wait(self, job_id: str, status: str) -> dict[str, Any]:
        """The job, as soon as it has that status.

        rq-dashboard reads a job's fields before its status, so only a second look at a job whose
        status stays shows fields that belong to it.
        """

        def look() -> dict[str, Any] | None:
            seen, again = self.job(job_id), self.job(job_id)
            return again if seen["status"] == again["status"] == status else None

        return until(look, status)

    def press_requeue(self, job_id: str) -> int:
        """What the button sends. Return the status of the answer."""
        return self.http.post(f"/job/{job_id}/requeue", headers=self.ours).status_code

    @property
    def ours(self) -> dict[str, str]:
        """What a browser adds on our own page."""
        return {"Origin": str(self.http.base_url).rstrip("/")}


def with_dashboard(config: Config, url: str) -> Processes:
    """Processes that project their queues."""
    return Processes(config, {}, {"DASHBOARD_URL": url, "TWTC_DASHBOARD_PASSWORD": PASSWORD})


def emptied(url: str) -> None:
    """Somebody has emptied a Redis database."""
    with Redis.from_url(url) as client:
        client.flushdb()
