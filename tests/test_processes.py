"""The real processes with a cycle of 20 seconds: web, worker and clock, killed while they work."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from api.networks.house import SIGNATURE_HEADER, sign
from models.db import connected, open_database, rows, sql
from models.encoding import encode
from models.invariants import audit
from runtime.environment import Config
from tests.accounts import settle
from tests.processes import Processes, running, until

EMAIL = "phone@example.com"
TIMING = {"CYCLE": 20, "TICK": 1, "STAGGER": 2, "WINDOW": 2, "AD": 1, "PROOF": 8}


@pytest.fixture
def processes(config: Config) -> Iterator[Processes]:
    """All three, on a released database."""
    with running(Processes(config, TIMING), "web", "worker", "clock") as started:
        yield started


class Phone:
    """A client that retries until it is answered."""

    def __init__(self, processes: Processes) -> None:
        self.config = processes.config
        self.http = httpx.Client(base_url=processes.url, timeout=5)
        token = settle(self.http, processes.config, EMAIL, "correct horse")
        self.http.headers["Authorization"] = f"Bearer {token}"

    def status(self) -> dict[str, Any]:
        """The poll, once it is answered: a busy server asks to come again."""

        def look() -> dict[str, Any] | None:
            answer = self.http.get("/v1/mining/status")
            assert answer.status_code in (200, 429, 503), answer.text
            return answer.json() if answer.status_code == 200 else None

        return until(look, "how things stand")

    def send(self, path: str, key: str) -> str:
        """Record an intent. Return where it is."""
        answer = self.http.post(path, headers={"Idempotency-Key": key})
        assert answer.status_code in (200, 202), answer.text
        location: str = answer.headers["Location"]
        return location

    def outcome(self, location: str) -> dict[str, Any]:
        """What became of it."""

        def look() -> dict[str, Any] | None:
            answer = self.http.get(location)
            return answer.json() if answer.status_code == 200 else None

        return until(look, f"the outcome of {location}")

    def confirm(self, ad: dict[str, Any]) -> None:
        """The house partner's callback."""
        now = datetime.now(UTC)  # noqa: TID251
        event = {
            "event_id": f"event-{ad['view_id']}",
            "nonce": ad["nonce"],
            "ad_unit": ad["unit"],
            "completed_at": now,
            "seconds": ad["min_seconds"],
        }
        body = encode(event).encode()
        signature = sign(self.config.house_secrets[0], int(now.timestamp()), body)
        answer = self.http.post(
            "/v1/ads/callbacks/house", content=body, headers={SIGNATURE_HEADER: signature}
        )
        assert answer.status_code == 200, answer.text


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
