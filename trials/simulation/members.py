"""The members of a simulation: phones that ask, ask again, watch, answer, and misbehave."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from api.web_base.tokens import issue_access_token
from trials.asgi import Reply
from trials.simulation.partner import Partner
from trials.simulation.processes import Api, Request
from trials.simulation.scheduler import Mailbox
from trials.simulation.seed import Acknowledged, Seed

TIMEOUT_SECONDS = 15.0
ATTEMPTS_MAX = 8
LOOKS_MAX = 10
TOKEN_AGE = timedelta(minutes=5)
RETRIED = (0, 500, 503)


class Line:
    """The way from a phone, or a partner, to the API: requests and answers may vanish or double."""

    def __init__(self, seed: Seed, apis: Sequence[Api]) -> None:
        self._seed = seed
        self._apis = apis

    async def send(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> Reply | None:
        """Ask until there is an answer. None: given up."""
        seed = self._seed
        for attempt in range(ATTEMPTS_MAX):
            reply = await self._once(method, path, headers, body)
            if reply is not None and reply.status not in RETRIED:
                return reply
            await seed.scheduler.sleep(seed.random.uniform(0.5, 2 + 4 * attempt))
        seed.note(f"given up: {method} {path}")
        return None

    async def _once(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> Reply | None:
        seed = self._seed
        await seed.scheduler.sleep(seed.random.uniform(0.01, 0.3))
        if seed.faults.happens("request lost"):
            await seed.scheduler.sleep(TIMEOUT_SECONDS)
            return None
        apis = seed.random.sample(list(self._apis), 2)
        answer: Mailbox[Reply | None] = Mailbox(seed.scheduler)
        apis[0].inbox.put(Request(method, path, headers, body, answer))
        if seed.faults.happens("request doubled"):
            unheard: Mailbox[Reply | None] = Mailbox(seed.scheduler)
            apis[1].inbox.put(Request(method, path, headers, body, unheard))
        reply = await answer.get()
        if seed.faults.happens("reply lost"):
            await seed.scheduler.sleep(TIMEOUT_SECONDS)
            return None
        return reply


class Phone:
    """One device of a member; a member may have two, with the same account."""

    def __init__(self, name: str, user_id: int, seed: Seed, line: Line, partner: Partner) -> None:
        self.name = name
        self.user_id = user_id
        self.seed = seed
        self.random = Random(f"twtc:{seed.number}:{name}")  # noqa: S311
        self._line = line
        self._partner = partner
        self._secret = partner.config.secret
        self._keys = 0
        self._token = ""
        self._token_at: datetime | None = None

    async def mine(self) -> bool:
        """Ask for an ad, watch it, report it. Return whether it was reported."""
        started = await self.ask("/v1/mining/sessions")
        if self.random.random() < 0.15:  # a second tap
            await self.ask("/v1/mining/sessions")
        if started is None or started["status"] != "APPLIED":
            return False
        return await self.watch_ad(started["result"]["ad"])

    async def watch_ad(self, ad: dict[str, Any]) -> bool:
        """Watch an ad, mostly to its end. It may not load; its watcher may leave."""
        random = self.random
        while random.random() < 0.12:
            failed = await self.ask(f"/v1/ads/views/{ad['view_id']}/failed")
            if failed is None or failed["status"] != "APPLIED":
                return False
            ad = failed["result"]["ad"]
        path = f"/v1/ads/views/{ad['view_id']}"
        if random.random() < 0.96:
            await self.ask(f"{path}/started", is_awaited=random.random() < 0.7)
        self._partner.show(ad, random)
        seconds = ad["min_seconds"] + random.uniform(0.2, 8)
        if random.random() < 0.06:
            seconds = random.uniform(2, ad["min_seconds"])
        elif random.random() < 0.06:
            seconds = random.uniform(600, 1100)  # near the end of the proof time
        if random.random() < 0.05:
            return False
        await self.seed.scheduler.sleep(seconds)
        await self.ask(f"{path}/completed", is_awaited=random.random() < 0.5)
        return True

    async def ask(
        self, path: str, body: Any = None, *, is_awaited: bool = True
    ) -> dict[str, Any] | None:
        """Ask for something with a key of its own, and look what becomes of it.

        None if nobody answers, it is refused at once, or it is not awaited.
        """
        self._keys += 1
        key = f"{self.name}-{self._keys}"
        self.seed.keys.add((f"user:{self.user_id}", key))
        reply = await self.post(path, body, key)
        if reply is None or reply.status not in (200, 202):
            return None
        shown = reply.json()
        at = datetime.fromisoformat(shown["recorded_at"])
        self.seed.acknowledged.append(Acknowledged(shown["id"], at, f"{self.name} {path}"))
        if not is_awaited:
            return None
        for look in range(LOOKS_MAX):
            if shown["status"] != "RECORDED":
                return dict(shown)
            await self.seed.scheduler.sleep(self.random.uniform(0.3, 1) * 1.6**look)
            answer = await self.get(reply.headers["location"])
            if answer is not None and answer.status == 200:
                shown = answer.json()
        return None

    async def post(self, path: str, body: Any, key: str) -> Reply | None:
        """POST with a key."""
        sent = b"" if body is None else msgspec.json.encode(body)
        return await self._line.send("POST", path, self._headers() | {"Idempotency-Key": key}, sent)

    async def get(self, path: str) -> Reply | None:
        """GET."""
        return await self._line.send("GET", path, self._headers())

    async def pause(self, least: float, most: float) -> None:
        """Nobody acts without thinking."""
        await self.seed.scheduler.sleep(self.random.uniform(least, most))

    def _headers(self) -> dict[str, str]:
        now = self.seed.scheduler.now
        if self._token_at is None or now - self._token_at > TOKEN_AGE:
            self._token = issue_access_token(
                self._secret, self.user_id, now, UUID(int=self.user_id)
            )
            self._token_at = now
        return {"Authorization": f"Bearer {self._token}"}
