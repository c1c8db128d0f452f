"""A population's life on a simulated clock: real handlers, workers and database, no sockets.

Every request has its own instant and its own source of ids, so that the same seed gives the same
numbers however the requests interleave. Messages are delivered in this process.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

import msgspec
from litestar import Litestar

from api.web_base.services import Services
from api.web_base.tokens import issue_access_token
from engine.core.piece import Piece
from engine.core.timeline import GROUP_COUNT, PRODUCTION, Window, current_window, micros
from models.accounts.register import Newcomer, register
from models.fraud.reputation import Reputation
from runtime.broker.bells import Bells
from schedules.due import DueWork
from schedules.timetable import entries
from trials.asgi import Reply, call
from trials.demo.boosts import boost
from trials.demo.networks import confirm
from trials.demo.population import Habit, Person, Visit, plan_visits
from trials.demo.tasks import work
from workers.apply import drain
from workers.workshop import Workshop

T = TypeVar("T")

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = timedelta(seconds=PRODUCTION.window_seconds)
REQUESTS_AT_ONCE = 16
DRAINS_AT_ONCE = 6

now_of_task: ContextVar[datetime] = ContextVar("now", default=START)
random_of_task: ContextVar[Random] = ContextVar("random")


class InProcessBells(Bells):
    """Bells that are heard in this process: pieces to drain next."""

    def __init__(self) -> None:
        self.rung: set[Piece] = set()

    async def ring(self, *pieces: Piece) -> None:
        """Remember the pieces."""
        self.rung.update(pieces)

    async def close(self) -> None:
        """Nothing to close."""


class Lifetime:
    """The installation under simulation."""

    def __init__(
        self,
        services: Services,
        app: Litestar,
        bells: InProcessBells,
        seed: int,
        start: datetime = START,
    ) -> None:
        self.services = services
        self.start = start
        self.has_moderators = True
        self.app = app
        self.bells = bells
        self.seed = seed
        self.shop = Workshop(
            services.database,
            services.installation,
            services.copies,
            services.catalogue,
            services.configurations,
            Reputation(),
        )
        self.due_work = DueWork(services.database, entries(services.installation.table))
        self.people: list[Person] = []
        self.requests = self.captchas = self.turned_away = 0
        self._tokens: dict[tuple[int, datetime], str] = {}
        self._requesting = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._draining = asyncio.Semaphore(DRAINS_AT_ONCE)

    async def sign_up(self, count: int, first: tuple[str, str] | None = None) -> None:
        """Register people over the four hours before the first day.

        `first` is the address and the password hash of one who can sign in.
        """
        for number in range(count):
            at = self.start - timedelta(hours=4) + timedelta(hours=4) * number / count
            self.at(at, f"sign-up:{number}")
            email, hashed = f"person{number}@demo.example", "-"
            if first is not None and number == 0:
                email, hashed = first
            account = await register(
                self.services.database,
                self.services.config.keyring,
                self.services.installation.table,
                Newcomer("email", email, hashed, verified_at=at),
                at,
            )
            group = account.group_number
            time_zone = sum(person.group_number == group for person in self.people) % 24
            self.people.append(Person(number, account.id, group, time_zone))

    async def live(self, opens_at: datetime) -> None:
        """One window of one group, from its first visitor to its last proof."""
        table = self.services.installation.table
        group = next(g for g in range(1, GROUP_COUNT + 1) if current_window(table, g, opens_at))
        window = Window(opens_at, opens_at + WINDOW)
        visits = plan_visits(self.people, group, window, self.seed)
        started = await self.each(self._start(visit) for visit in visits)
        await self.drain_all(window.closes_at)
        served = [(v, ad) for v, ad in await self.each(map(self._read_ad, visits, started)) if ad]
        broken = [(v, ad) for v, ad in served if v.habit is Habit.AD_BREAKS]
        if broken:
            again = await self.each(self._report(v, ad, "failed", 5) for v, ad in broken)
            await self.drain_all(window.closes_at)
            replaced = await self.each(map(self._read_ad, [v for v, _ in broken], again))
            served = [(v, ad) for v, ad in served if v.habit is not Habit.AD_BREAKS]
            served += [(v, ad) for v, ad in replaced if ad]
        await self.each(self._watch(visit, ad) for visit, ad in served)
        await self.drain_all(window.closes_at + timedelta(minutes=2))
        mining = [visit for visit, _ in served if visit.habit in (Habit.GOOD, Habit.AD_BREAKS)]
        await boost(self, [visit for visit in mining if visit.boosts])
        await work(self, [visit for visit in mining if visit.works])

    async def wake_clock(self, at: datetime) -> None:
        """Record what is due by now and let the workers apply it."""
        self.at(at, "clock")
        self.bells.rung.update(await self.due_work.record(at))
        await self.drain_all(at)

    async def _start(self, visit: Visit) -> Reply:
        reply = await self.post(visit, "/v1/mining/sessions", 0)
        if visit.repeats and reply.status < 300:
            again = await self.post(visit, "/v1/mining/sessions", 1, key_at=0)
            assert again.headers["location"] == reply.headers["location"]
        return reply

    async def _read_ad(self, visit: Visit, reply: Reply) -> tuple[Visit, dict[str, Any] | None]:
        result = await self.outcome(visit, reply, 2)
        return visit, result["ad"] if result else None

    async def _watch(self, visit: Visit, ad: dict[str, Any]) -> None:
        await self._report(visit, ad, "started", 8)
        if visit.habit is Habit.LEAVES:
            return
        seconds = 20 if visit.habit is Habit.ABANDONS else 61
        await self._report(visit, ad, "completed", 8 + seconds)
        if visit.habit is not Habit.ABANDONS:
            await self.confirm(visit, ad, 9 + seconds)
        if visit.polls:
            await self.request(visit, "GET", "/v1/mining/status", 12 + seconds)

    async def _report(
        self, visit: Visit, ad: dict[str, Any], what: str, after_seconds: int
    ) -> Reply:
        path = f"/v1/ads/views/{ad['view_id']}/{what}"
        reply = await self.post(visit, path, after_seconds)
        if visit.repeats:
            await self.post(visit, path, after_seconds + 1, key_at=after_seconds)
        return reply

    async def confirm(self, visit: Visit, ad: dict[str, Any], after_seconds: int) -> None:
        """The signed callback of the ad's network, twice if this visit repeats its requests."""
        callback = confirm(ad, visit.starts_at + timedelta(seconds=after_seconds))
        for _ in range(2 if visit.repeats else 1):
            await self.request(
                visit,
                callback.method,
                callback.path,
                after_seconds,
                callback.headers,
                callback.body,
            )

    async def post(
        self,
        visit: Visit,
        path: str,
        after_seconds: int,
        key_at: int | None = None,
        body: object = None,
    ) -> Reply:
        """POST at an instant of the visit, with a key of its own or that of an earlier one."""
        moment = after_seconds if key_at is None else key_at
        key = f"{visit.number}-{micros(visit.starts_at)}-{moment}"
        sent = b"" if body is None else msgspec.json.encode(body)
        headers = {"Idempotency-Key": key}
        return await self.request(visit, "POST", path, after_seconds, headers, sent)

    async def request(
        self,
        visit: Visit,
        method: str,
        path: str,
        after_seconds: int,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Reply:
        """A request at its own instant."""
        at = visit.starts_at + timedelta(seconds=after_seconds)
        self.at(at, f"{visit.number}:{path}:{at.isoformat()}")
        self.requests += 1
        token = self._token(visit)
        bearer = {"Authorization": f"Bearer {token}"}
        reply = await call(self.app, method, path, bearer | (headers or {}), body)
        if reply.status == 403 and reply.json()["type"].endswith(":captcha-required"):
            await self._solve_captcha(bearer)
            reply = await call(self.app, method, path, bearer | (headers or {}), body)
        if reply.status == 403:  # held for what it did before: try another time
            self.turned_away += 1
            return reply
        assert reply.status < 300 or (reply.status == 400 and "unity" in path), (path, reply)
        return reply

    async def outcome(self, visit: Visit, reply: Reply, after_seconds: int) -> Any:
        """The result of what was recorded: None if it was refused, then or at once."""
        if "location" not in reply.headers:
            return None
        found = await self.request(visit, "GET", reply.headers["location"], after_seconds)
        return found.json()["result"]

    async def _solve_captcha(self, bearer: dict[str, str]) -> None:
        self.captchas += 1
        shown = (await call(self.app, "GET", "/v1/captcha", bearer)).json()
        total = sum(int(number) for number in shown["question"].split(" + "))
        body = msgspec.json.encode({"token": f"{shown['site_key']}.{total}"})
        solved = await call(self.app, "POST", "/v1/me/captcha", bearer, body)
        assert solved.status == 204, solved

    def _token(self, visit: Visit) -> str:
        key = (visit.number, visit.starts_at)
        if key not in self._tokens:
            user_id = self.people[visit.number].user_id
            self._tokens[key] = issue_access_token(
                self.services.config.secret, user_id, visit.starts_at
            )
        return self._tokens[key]

    async def drain_all(self, at: datetime) -> None:
        """Let the workers apply what was rung for."""
        pieces, self.bells.rung = sorted(self.bells.rung), set()
        self.at(at, f"drain:{at.isoformat()}")

        async def drain_one(piece: Piece) -> None:
            async with self._draining:
                await drain(self.shop, piece)

        await asyncio.gather(*map(drain_one, pieces))

    async def each(self, jobs: Iterable[Awaitable[T]]) -> list[T]:
        """Do things at once, a few at a time."""

        async def one(job: Awaitable[T]) -> T:
            async with self._requesting:
                return await job

        return list(await asyncio.gather(*map(one, jobs)))

    def user_id(self, visit: Visit) -> int:
        """Who visits."""
        return self.people[visit.number].user_id

    def at(self, at: datetime, purpose: str) -> None:
        """This task's instant, and its own source of ids."""
        now_of_task.set(at)
        random_of_task.set(Random(f"{self.seed}:{purpose}"))  # noqa: S311
