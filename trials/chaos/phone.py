"""A member's day, over and over: mine when the window is open, else do tasks, else ask in vain."""

import asyncio
import random
import time
from typing import Any

import httpx

from trials.chaos.client import Client, Wish

# A member who decides twice within a second is held for fraud.
DECISION_SECONDS = (1.1, 1.8)
READ_SECONDS = 20.5
OUTCOME_SECONDS_MAX = 15
FINISH_TRIES = 8


class Phone:
    """One member."""

    def __init__(self, client: Client, partner: httpx.AsyncClient, number: int) -> None:
        self.client = client
        self.proved_views: list[str] = []  # whose callback the API has accepted
        self._partner = partner
        self._random = random.Random(number)  # noqa: S311
        self._has_tasks = True
        self._reading_since: dict[int, float] = {}

    async def live(self, stopping: asyncio.Event) -> None:
        """Go on until it is told to stop; whatever is under way is brought to its end."""
        await asyncio.sleep(self._random.uniform(0, DECISION_SECONDS[1]))
        while not stopping.is_set():
            status = await self.client.read("/v1/mining/status")
            if status is None:
                await self.client.pause()
                continue
            if status["can_start"]:
                await self._mine()
            elif not (self._has_tasks and await self._work()):
                await self.client.send("/v1/mining/sessions")
            await self._decide_later()

    async def _mine(self) -> None:
        started = await self._done("/v1/mining/sessions")
        if started is not None and started["ad"]["page_url"]:
            await self._watch(started["ad"])

    async def _watch(self, ad: dict[str, Any]) -> None:
        """What a phone does with an ad, its partner being an outside server."""
        view = f"/v1/ads/views/{ad['view_id']}"
        page = ad["page_url"]
        if await self._done(f"{view}/started") is None:
            return
        await self._partner.get(page)
        await asyncio.sleep(ad["min_seconds"] + 0.1)
        for _ in range(FINISH_TRIES):
            finish = f"{page.partition('?')[0]}/finish"
            answer = await self._partner.post(finish, json={"nonce": ad["nonce"]})
            if answer.status_code == 200:
                self.proved_views.append(ad["view_id"])
                break
            await self.client.pause()
        await self._done(f"{view}/completed")

    async def _work(self) -> bool:
        """Get on with a task of today, if one can be got on with."""
        today = await self.client.read("/v1/tasks/today")
        if today is None:
            return False
        tasks = [task for task in today["tasks"] if task["status"] in ("AVAILABLE", "STARTED")]
        self._has_tasks = bool(tasks)
        return bool(tasks) and await self._get_on(self._random.choice(tasks))

    async def _get_on(self, task: dict[str, Any]) -> bool:
        number = task["number"]
        path = f"/v1/tasks/{number}"
        if task["category"] == "CONTENT" and number in self._reading_since:
            if time.monotonic() < max(self._reading_since.values()) + READ_SECONDS:
                return False
            await self._done(f"{path}/completed")
            self._reading_since[number] = time.monotonic()  # of the next one
            return True
        if task["status"] == "AVAILABLE" or task["category"] == "ADS":
            begun = await self._done(f"{path}/started")
            if task["category"] == "CONTENT":
                self._reading_since[number] = time.monotonic()
            if begun is not None and task["category"] == "ADS" and begun.get("ad"):
                await self._watch(begun["ad"])
            return True
        if task["category"] == "QUIZ":
            await self._done(f"{path}/answer", {"option": self._random.randrange(4)})
        else:
            await self._done(f"{path}/completed", {"proof": "seen"})
        return True

    async def _done(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """Ask for something. Return its result if it is applied in time."""
        wish: Wish = await self.client.send(path, body)
        intent = await self.client.outcome(wish, OUTCOME_SECONDS_MAX)
        result: dict[str, Any] | None = intent["result"] if intent is not None else None
        return result

    async def _decide_later(self) -> None:
        await asyncio.sleep(self._random.uniform(*DECISION_SECONDS))
