"""The real processes with a cycle of 20 seconds: web, worker and clock, killed while they work."""

import time
from collections.abc import Iterator

import pytest

from models.base.db import connected, open_database, rows, sql
from models.operations.invariants import audit
from runtime.environment import Config
from tests.kit.phone import Phone
from tests.kit.processes import Processes, running, until

TIMING = {"CYCLE": 20, "TICK": 1, "STAGGER": 2, "WINDOW": 2, "AD": 1, "PROOF": 8}


@pytest.fixture
def processes(config: Config) -> Iterator[Processes]:
    """All three, on a released database."""
    with running(Processes(config, TIMING), "web", "worker", "clock") as started:
        yield started


async def test_coins_arrive_although_everything_is_killed_meanwhile(
    processes: Processes, config: Config
) -> None:
    phone = Phone(processes)
    until(lambda: phone.status()["can_start"], "an open window")
    started = phone.outcome(phone.send("/v1/mining/sessions", "start"))
    assert started["status"] == "APPLIED", started
    ad = started["result"]["ad"]
    view = f"/v1/ads/views/{ad['view_id']}"
    phone.outcome(phone.send(f"{view}/started", "started"))
    served = time.monotonic()
    until(lambda: time.monotonic() - served > 1.2, "the end of the ad")

    processes.kill("worker")
    completed = phone.send(f"{view}/completed", "completed")  # acknowledged without a worker
    phone.confirm(ad)
    assert phone.http.get(completed).status_code == 202
    processes.kill("clock")
    processes.kill("web")
    for name in ("web", "worker", "clock"):
        processes.start(name)
    until(processes.is_up, "the API after its death")
    assert phone.send(f"{view}/completed", "completed") == completed  # the retry of a phone
    assert phone.outcome(completed)["status"] == "APPLIED"

    until(lambda: float(phone.status()["balance"]) > 0, "the first coins")
    until(lambda: phone.status()["balance"] == "100.000000", "all coins")
    until(
        lambda: phone.http.get("/v1/wallet/transactions").json()["items"], "the ledger's transfer"
    )
    database = open_database(config.database_url, pool_size=1, application_name="test")
    assert await audit(database) == []
    async with connected(database) as connection:
        count = sql("SELECT count(*) AS n, sum(amount) AS total FROM transactions")
        [found] = await rows(connection, count)
    await database.dispose()
    assert (found.n, found.total) == (1, 100_000_000)
    phone.http.close()
