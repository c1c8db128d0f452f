"""A rolling restart under load: web and worker end by SIGTERM, and nobody notices."""

import asyncio

import httpx

from models.base.db import connected, open_database, rows, sql
from models.operations.invariants import audit
from runtime.environment import Config
from tests.kit.phone import Phone
from tests.kit.processes import Processes, free_port, running, until

WAITING = 20
ANSWERS = 160
STATES = sql("SELECT status, count(*) AS n FROM intents WHERE origin LIKE 'user:%' GROUP BY 1")


class Load:
    """Requests of one phone, as many at once as wanted, each with a key of its own."""

    def __init__(self, phone: Phone, url: str) -> None:
        self.headers = {"Authorization": phone.http.headers["Authorization"]}
        self.url = url
        self.sent = 0
        self.answered = 0

    async def request(self, http: httpx.AsyncClient) -> int:
        """Record an intent and wait for its outcome. Any error of the transport is a failure."""
        self.sent += 1
        headers = self.headers | {"Idempotency-Key": f"key-{self.sent}", "Prefer": "wait=10"}
        path = f"{self.url}/v1/tasks/{1 + self.sent % 20}/started"
        answer = await http.post(path, headers=headers)
        self.answered += 1
        return answer.status_code

    async def loop(self) -> set[int]:
        """Ask again and again, as one connection."""
        seen = set()
        async with httpx.AsyncClient(timeout=60) as http:
            while self.sent < ANSWERS:
                seen.add(await self.request(http))
        return seen


async def states(config: Config) -> dict[str, int]:
    database = open_database(config.database_url, pool_size=1, application_name="test")
    async with connected(database) as connection:
        found = {row.status: row.n for row in await rows(connection, STATES)}
    await database.dispose()
    return found


def undone(config: Config) -> int:
    """How many intents wait."""
    return asyncio.run(states(config)).get("RECORDED", 0)


def all_are_inside(config: Config) -> bool:
    """Whether each request has recorded its intent and waits for the outcome."""
    return undone(config) == WAITING


async def test_a_rolling_restart_loses_no_request_and_no_intent(config: Config) -> None:
    processes = Processes(config, {})
    with running(processes, "web", "clock"):
        port = free_port()
        processes.commands |= {
            "web 2": processes.web(port),
            "worker 2": processes.commands["worker"],
        }
        processes.start("web 2")
        phone = Phone(processes)
        load = Load(phone, processes.url)
        limits = httpx.Limits(max_connections=WAITING)
        async with httpx.AsyncClient(timeout=60, limits=limits) as http:
            asked = [asyncio.create_task(load.request(http)) for _ in range(WAITING)]
            await asyncio.to_thread(until, lambda: all_are_inside(config), "requests in a handler")
            ended = asyncio.create_task(asyncio.to_thread(processes.end, "web"))
            processes.start("worker")
            # Who waits in the process that ends is answered by it: done, or recorded.
            assert set(await asyncio.gather(*asked)) <= {200, 202}
            assert await ended == 0

        load.url = f"http://127.0.0.1:{port}"
        await asyncio.to_thread(until, lambda: processes.is_up(load.url), "the next process")
        loops = [asyncio.create_task(load.loop()) for _ in range(4)]
        await asyncio.to_thread(until, lambda: load.answered > WAITING + 30, "some answers")
        processes.start("worker 2")
        assert await asyncio.to_thread(processes.end, "worker") == 0
        assert set().union(*await asyncio.gather(*loops)) <= {200, 202}
        phone.http.close()
        await asyncio.to_thread(until, lambda: not undone(config), "the last outcomes")
    found = await states(config)
    assert found.keys() <= {"APPLIED", "REJECTED"}
    assert sum(found.values()) == load.sent == load.answered >= ANSWERS
    database = open_database(config.database_url, pool_size=1, application_name="test")
    assert await audit(database) == []
    await database.dispose()
