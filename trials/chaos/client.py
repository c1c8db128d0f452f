"""A phone's requests: each wish under one key until it is answered, and a journal of all."""

import asyncio
import random
import time
from collections import Counter
from typing import Any

import httpx
from msgspec import Struct

SEND_SECONDS_MAX = 120
REQUEST_SECONDS_MAX = 10
PAUSE_SECONDS = (0.05, 0.4)
ACKNOWLEDGED = (200, 202)
PASSING = (429, 503)

Body = dict[str, Any]


class Wish(Struct):
    """What a phone asked for under one key. `ids` are the intents that it was acknowledged as."""

    key: str
    path: str
    ids: set[str] = set()
    refused: int | None = None  # the status, if it was not recorded for a reason


class Tally:
    """What all clients saw."""

    def __init__(self) -> None:
        self.answers: Counter[int] = Counter()
        self.broken = 0  # requests without an answer
        self.unexpected: list[str] = []  # answers that are never right

    @property
    def failed(self) -> int:
        """Requests that have to be sent again."""
        return self.broken + self.answers[503]


class Client:
    """A member's requests. It signs in again when its token has expired."""

    def __init__(self, http: httpx.AsyncClient, tally: Tally, email: str, password: str) -> None:
        self.email = email
        self.wishes: list[Wish] = []
        self._http = http
        self._tally = tally
        self._account = {"email": email, "password": password}
        self._token = ""
        self._random = random.Random(email)  # noqa: S311

    async def register(self) -> str:
        """Ask for an account. Return the ticket."""
        answer = await self._ask("POST", "/v1/auth/register", json=self._account)
        assert answer is not None and answer.status_code == 202, answer
        ticket: str = answer.json()["ticket"]
        return ticket

    async def verify(self, ticket: str, code: str) -> None:
        """Prove that our message was read: that makes the account."""
        given = {"ticket": ticket, "code": code}
        answer = await self._ask("POST", "/v1/auth/verify", json=given)
        assert answer is not None and answer.status_code == 200, answer
        self._token = answer.json()["access_token"]

    async def read(self, path: str) -> Body | None:
        """What a GET answers, or None while there is no answer."""
        answer = await self._ask("GET", path)
        if answer is None or answer.status_code != 200:
            return None
        found: Body = answer.json()
        return found

    async def send(self, path: str, body: Body | None = None) -> Wish:
        """Ask until it is acknowledged, or refused for a reason that stays."""
        wish = Wish(f"{len(self.wishes)}", path)
        self.wishes.append(wish)
        headers = {"Idempotency-Key": wish.key, "Prefer": "wait=1"}
        deadline = time.monotonic() + SEND_SECONDS_MAX
        while time.monotonic() < deadline:
            answer = await self._ask("POST", path, headers=headers, json=body)
            if answer is not None and answer.status_code in ACKNOWLEDGED:
                wish.ids.add(answer.json()["id"])
                return wish
            if answer is not None and answer.status_code < 500 and answer.status_code != 429:
                wish.refused = answer.status_code
                return wish
            await self.pause()
        return wish

    async def outcome(self, wish: Wish, seconds_max: float) -> Body | None:
        """What became of a wish: its intent, applied or rejected; None if it is not done yet."""
        deadline = time.monotonic() + seconds_max
        while wish.ids and time.monotonic() < deadline:
            answer = await self._ask("GET", f"/v1/intents/{min(wish.ids)}")
            if answer is not None and answer.status_code == 200:
                found: Body = answer.json()
                return found
            await self.pause()
        return None

    async def pause(self) -> None:
        """Between two tries."""
        await asyncio.sleep(self._random.uniform(*PAUSE_SECONDS))

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response | None:
        answer = await self._ask_once(method, path, options)
        if answer is not None and answer.status_code == 401:
            signed_in = await self._ask_once("POST", "/v1/auth/login", {"json": self._account})
            if signed_in is None or signed_in.status_code != 200:
                return None
            self._token = signed_in.json()["access_token"]
            answer = await self._ask_once(method, path, options)
        return answer

    async def _ask_once(
        self, method: str, path: str, options: dict[str, Any]
    ) -> httpx.Response | None:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        headers |= options.get("headers", {})
        try:
            answer = await self._http.request(method, path, **{**options, "headers": headers})
        except httpx.TransportError:
            self._tally.broken += 1
            return None
        self._tally.answers[answer.status_code] += 1
        if answer.status_code >= 500 and answer.status_code not in PASSING:
            self._tally.unexpected.append(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer
