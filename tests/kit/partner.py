"""The local ad partner being served, and the API that hears from it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server

from api.networks.house import page_url
from partner import app as partner
from tests.kit.counterpart import Counterpart, Reply, counterpart

SECRET = b"a secret of the house, long enough"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
NONCE = "AZzKt3sAcACAAAAAAAAAAQAAAAAAAAAB"
ACCEPTED = Reply(200, b'{"status":"accepted"}')
UNIT = "/ads/house-rewarded"


class Hands:
    """The partner's clocks, moved by the test."""

    def __init__(self) -> None:
        self.monotonic = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.monotonic - 1000)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class World:
    """A partner being served, and the API that hears from it."""

    def __init__(self, http: httpx.AsyncClient, api: Counterpart, hands: Hands) -> None:
        self.http = http
        self.api = api
        self.hands = hands

    async def show(
        self, nonce: str = NONCE, seconds: int = 60, languages: str = ""
    ) -> httpx.Response:
        url = page_url("", "house-rewarded", nonce, seconds, (SECRET,))
        return await self.http.get(url, headers={"Accept-Language": languages})

    async def finish(self, nonce: str = NONCE) -> httpx.Response:
        return await self.http.post(f"{UNIT}/finish", json={"nonce": nonce})


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serve(*replies: Reply) -> AsyncIterator[World]:
    """A partner being served, before an API that answers so."""
    hands, port = Hands(), free_port()
    with counterpart(*replies or (ACCEPTED,)) as api:
        app = partner.create(SECRET, api.url, lambda: hands.monotonic, hands.now, hands.sleep)
        server = Server(app, port=port, interface=Interfaces.ASGI, log_enabled=False)
        serving = asyncio.create_task(server.serve())
        transport = httpx.AsyncHTTPTransport(retries=5)
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://127.0.0.1:{port}", trust_env=False
        ) as http:
            try:
                yield World(http, api, hands)
            finally:
                server.stop()  # type: ignore[no-untyped-call]
                await serving
