"""The queue dashboard: real workers, unmodified rq-dashboard, and what goes wrong between them."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import pytest
from redis import Redis

from engine.core.piece import Piece
from models.base.db import Database, connected, rows, run, sql, transaction
from runtime.broker.bells import QUEUES, open_broker, queue_name
from runtime.clock import utcnow
from runtime.environment import Config, ConfigError, load_config
from tests.kit.gate import Gate
from tests.kit.processes import started, until
from tests.kit.ringing import (
    HIDE,
    SHOW,
    Ops,
    emptied,
    record_answer,
    ring,
    times_paid,
    with_dashboard,
)
from tests.kit.root import ROOT
from workers.dashboard.board import ALIVE_SECONDS, Board
from workers.dashboard.cards import Card
from workers.dashboard.holdings import NAMESPACE, Holdings
from workers.dashboard.keeper import FINISHED_KEPT, Keeper
from workers.dashboard.web import read_login

HOLD = sql("""
    SELECT 1 FROM credit_watermarks
    WHERE bucket = :bucket AND group_number = :group_number FOR UPDATE
""")


async def test_a_failed_job_is_requeued_once_and_its_intent_pays_once(
    config: Config, database: Database, dashboard_url: str
) -> None:
    user_id, piece = await record_answer(config, database, "quiz")
    async with connected(database) as connection:
        await run(connection, HIDE)
    with (
        started(with_dashboard(config, dashboard_url), "worker", "dashboard") as processes,
        closing(Ops(processes, piece)) as ops,
    ):
        job_id = ring(config, piece, max_retries=1)
        retried = ops.wait(job_id, "scheduled")
        assert "UndefinedTableError" in retried["exc_info"]
        failed = ops.wait(job_id, "failed")
        assert "UndefinedTableError" in failed["exc_info"] and "<" not in failed["exc_info"]
        assert failed["description"] == f"drain({piece.group_number}, {piece.bucket}), attempt 2"
        assert list(ops.jobs("failed")) == [job_id]
        assert set(ops.queues()) == set(QUEUES)
        assert ops.queues()[ops.queue]["failed_job_registry_count"] == 1
        [worker] = ops.workers()
        assert (worker["state"], set(worker["queues"])) == ("idle", set(QUEUES))
        assert (worker["successful_job_count"], worker["failed_job_count"]) == (0, 2)

        emptied(dashboard_url)  # the projection repairs itself, from what Dramatiq holds
        again = ops.wait(job_id, "failed")
        assert "UndefinedTableError" in again["exc_info"]
        until(ops.workers, "the worker")

        async with connected(database) as connection:
            await run(connection, SHOW)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: ops.press_requeue(job_id), range(4)))
        assert sorted(answers) == [200, 409, 409, 409]
        finished = ops.wait(job_id, "finished")
        assert finished["exc_info"] is None and finished["ended_at"] >= finished["started_at"]
        assert ops.press_requeue(job_id) == 409
        until(lambda: not ops.jobs("queued") and not ops.jobs("failed"), "the end of it")
        assert [w["successful_job_count"] for w in ops.workers()] == [1]
    assert await times_paid(database, user_id) == 1


@pytest.fixture
def gate(dashboard_url: str) -> Iterator[Gate]:
    """The way to the projection's database, closed at first."""
    made = Gate(dashboard_url)
    yield made
    made.close()


async def test_jobs_run_on_while_the_projection_is_away(
    config: Config, database: Database, dashboard_url: str, gate: Gate
) -> None:
    board = Board(dashboard_url)

    def workers() -> int:
        return board.redis.scard("rq:workers")

    async def paid(name: str) -> bool:
        user_id, piece = await record_answer(config, database, name)
        ring(config, piece)
        return bool(await until_paid(database, user_id))

    with started(with_dashboard(config, gate.url), "worker"):
        assert await paid("away")
        assert workers() == 0
        gate.open()
        until(workers, "the worker, once the projection is there")
        gate.close()
        assert await paid("away-again")
        emptied(dashboard_url)
        gate.open()
        until(workers, "the worker, after its projection was away and lost everything")
    board.redis.close()


async def until_paid(database: Database, user_id: int) -> int:
    """Wait for it; the books are right."""
    applied = sql("SELECT 1 FROM intents WHERE user_id = :user_id AND status = 'APPLIED'")
    for _ in range(400):
        async with connected(database) as connection:
            if await rows(connection, applied, {"user_id": user_id}):
                return await times_paid(database, user_id)
        threading.Event().wait(0.05)
    raise AssertionError("not applied")


async def test_what_a_killed_worker_held_is_deferred_until_it_is_delivered_again(
    config: Config, database: Database, dashboard_url: str
) -> None:
    user_id, piece = await record_answer(config, database, "killed")
    board, broker = Board(dashboard_url), Redis.from_url(config.broker_url)
    shelf, keeper = board.shelves[queue_name(piece.group_number)], Keeper(board, Holdings(broker))
    held = {"bucket": piece.bucket, "group_number": piece.group_number}
    with started(with_dashboard(config, dashboard_url), "worker") as processes:
        async with transaction(database) as connection:
            await run(connection, HOLD, held)
            job_id = ring(config, piece)
            until(lambda: shelf.alive(utcnow()) == {job_id}, "the job, as running")
            processes.kill("worker")
        keeper.look(utcnow())
        assert shelf.deferred.get_job_ids() == []  # it may still be alive
        keeper.look(utcnow() + timedelta(seconds=ALIVE_SECONDS + 1))
        assert shelf.deferred.get_job_ids() == [job_id]
        assert shelf.failed.get_job_ids() == []

        beats = f"{NAMESPACE}:__heartbeats__"
        holders: Any = broker.zrange(beats, 0, -1)
        broker.zadd(beats, dict.fromkeys(holders, 1))  # as after a minute
        redeliver(config, shelf.queue.name)
        processes.start("worker")
        assert await until_paid(database, user_id) == 1
        until(lambda: shelf.finished.get_job_ids() == [job_id], "the job, as finished")
        keeper.look(utcnow())
        assert shelf.deferred.get_job_ids() == shelf.queue.get_job_ids() == []
    board.redis.close()
    broker.close()


def redeliver(config: Config, queue: str) -> None:
    """Dramatiq's maintenance of a queue, which otherwise comes by chance."""
    broker: Any = open_broker(config.broker_url, [])
    broker.maintenance_chance = 1_000_000
    broker.do_qsize(queue)
    broker.client.close()


def test_the_keeper_shows_what_waits_and_keeps_the_newest(
    config: Config, dashboard_url: str
) -> None:
    board, broker = Board(dashboard_url), Redis.from_url(config.broker_url)
    keeper, now = Keeper(board, Holdings(broker)), utcnow()
    shelf = board.shelves["group-03"]
    waiting = [ring(config, Piece(3, bucket)) for bucket in range(5)]
    keeper.look(now)
    assert set(shelf.queue.get_job_ids()) == set(waiting)
    with board.redis.pipeline() as pipeline:
        for number in range(FINISHED_KEPT + 20):
            when = now + timedelta(seconds=number)
            card = Card(f"job-{number}", "group-03", "drain", (3, 1), 1, now)
            board.finished(card, when, when, pipeline)
        pipeline.execute()
    broker.flushdb()  # Dramatiq has lost everything: nothing waits any more
    for _ in range(2):
        keeper.look(now)
    assert shelf.queue.get_job_ids() == []
    assert shelf.finished.get_job_count() == FINISHED_KEPT
    jobs = list(board.redis.scan_iter("rq:job:*"))
    assert len(jobs) == FINISHED_KEPT
    assert not list(board.redis.scan_iter("rq:results:*"))  # nobody needs a success's result
    board.redis.close()
    broker.close()


def test_strangers_and_other_sites_are_kept_out(config: Config, dashboard_url: str) -> None:
    with (
        started(with_dashboard(config, dashboard_url), "dashboard") as processes,
        closing(Ops(processes, Piece(1, 1))) as ops,
    ):
        http = ops.http
        for auth in (None, ("ops", "wrong"), ("somebody", "the-password-of-ops")):
            with httpx.Client(base_url=http.base_url, auth=auth) as stranger:
                for path in ("/", "/0/data/queues.json", "/static/favicon.ico"):
                    answer = stranger.get(path)
                    assert (
                        answer.status_code == 401 and "Basic" in answer.headers["WWW-Authenticate"]
                    )
        theirs = {"Origin": "https://evil.example"}
        for headers in ({}, theirs, {"Origin": "null"}):
            assert http.post("/job/some/requeue", headers=headers).status_code == 403
        assert http.get("/requeue/group-01").status_code == 403
        ours = {"Origin": str(http.base_url).rstrip("/")}
        assert http.post("/job/some/requeue", headers=ours).status_code == 404
        assert http.post("/job/some/delete", headers=ours).json() == {"status": "DISABLED"}
        emptying = http.post("/queue/group-01/failed/empty", headers=ours)
        assert emptying.json() == {"status": "DISABLED"}
        jobs = http.get("/0/view/jobs")  # never at RQ's own queue, which nobody here has
        assert jobs.is_redirect and "default" not in jobs.headers["Location"]
        page = http.get("/")
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("password", ["", "short"])
def test_nobody_starts_it_without_a_password(password: str) -> None:
    with pytest.raises(ConfigError, match="TWTC_DASHBOARD_PASSWORD"):
        read_login({"TWTC_DASHBOARD_PASSWORD": password})


def test_it_can_be_off_and_is_alone_in_its_database() -> None:
    servers = {
        "DATABASE_URL": "postgresql://x",
        "REDIS_URL": "redis://x/0",
        "BROKER_URL": "redis://x/1",
    }
    assert load_config(servers).dashboard_url == ""
    on = servers | {"DASHBOARD_URL": "redis://x/2"}
    assert load_config(on).dashboard_url == "redis://x/2"
    assert load_config(on | {"TWTC_DASHBOARD": "off"}).dashboard_url == ""
    for taken in ("redis://x/0", "redis://x/1"):
        with pytest.raises(ConfigError, match="nothing else uses"):
            load_config(on | {"DASHBOARD_URL": taken})
    rabbit = on | {"BROKER_URL": "amqp://x"}
    with pytest.raises(ConfigError, match="TWTC_DASHBOARD=off"):
        load_config(rabbit)
    assert load_config(rabbit | {"TWTC_DASHBOARD": "off"}).dashboard_url == ""


@pytest.mark.parametrize(("switch", "says"), [("off", ""), ("on", "install the group dashboard")])
def test_a_worker_needs_none_of_its_packages_when_it_is_off(switch: str, says: str) -> None:
    hidden = "import sys; sys.modules.update(dict.fromkeys(('rq', 'flask', 'rq_dashboard')))"
    servers = {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x/0"}
    ours = {"DASHBOARD_URL": "redis://x/2", "TWTC_DASHBOARD": switch}
    ended = subprocess.run(
        [sys.executable, "-c", f"{hidden}; import workers.main"],
        cwd=ROOT,
        env=os.environ | servers | ours | {"BROKER_URL": ""},
        capture_output=True,
        text=True,
    )
    assert says in ended.stderr and (ended.returncode == 0) == (not says)
