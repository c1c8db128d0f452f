"""The product on a frozen clock, and the people in it. Nothing in here is a mock."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx
from freezegun.api import FrozenDateTimeFactory
from litestar import Litestar
from redis.asyncio import Redis

from api.app import create_app
from api.web_base.services import Services, open_services
from api.web_base.tokens import issue_access_token
from engine.core.timeline import Timetable, next_opening
from models.accounts.register import Newcomer, register
from models.base.db import Database, Row, connected, rows, run, sql, transaction
from models.intents.bucket import lock_bucket
from models.mining import credit
from models.operations.invariants import audit, audit_globally
from models.tasks.reviews import record_review
from runtime.clock import utcnow
from runtime.environment import Config
from schedules.due import DueWork
from schedules.timetable import entries
from tests.kit.callbacks import house_event
from tests.kit.documented import assert_is_documented
from tests.kit.workshop import drain_all, make_workshop
from workers.workshop import Workshop


class World:
    """One installation: its API, its workers, its clock process, its people."""

    def __init__(
        self,
        config: Config,
        database: Database,
        clock: FrozenDateTimeFactory,
        app: Litestar,
        http: httpx.AsyncClient,
        shop: Workshop,
    ) -> None:
        self.config = config
        self.database = database
        self.clock = clock
        self.app = app
        self.http = http
        self.shop = shop
        self.due_work = DueWork(database, entries(self.table))
        self.deliveries = 1  # how often every message is delivered
        self._numbers = count(1)

    @property
    def table(self) -> Timetable:
        return self.shop.installation.table

    @property
    def services(self) -> Services:
        services: Services = self.app.state.services
        return services

    def move_to(self, when: datetime) -> None:
        """Move the clock; nothing else happens."""
        self.clock.move_to(when)

    async def go_to(self, when: datetime) -> None:
        """Move the clock, record what is due by then, and let the workers finish."""
        self.move_to(when)
        await self.due_work.record(when)
        await self.drain()

    async def live_until(self, when: datetime, step: timedelta = timedelta(minutes=10)) -> None:
        """Go there in steps, as the clock process would."""
        while utcnow() < when:
            await self.go_to(min(utcnow() + step, when))

    async def drain(self) -> None:
        """Deliver bells until nothing is due."""
        await drain_all(self.shop, self.deliveries)

    async def person(self, group_number: int | None = None) -> "Person":
        """A new member, of the group that a newcomer gets or of the one named."""
        number = next(self._numbers)
        email = f"person{number}@example.com"
        newcomer = Newcomer("email", email, "not-a-hash", verified_at=utcnow())
        account = await register(self.database, self.config.keyring, self.table, newcomer, utcnow())
        person = Person(self, account.id, account.group_number)
        if group_number is not None and group_number != account.group_number:
            await self.regroup(person, group_number)
        return person

    async def people(self, number: int, group_number: int | None = None) -> list["Person"]:
        """Several new members."""
        return [await self.person(group_number) for _ in range(number)]

    async def regroup(self, person: "Person", group_number: int) -> None:
        """Move somebody by force, whatever they are doing."""
        bucket = person.id % 64
        async with transaction(self.database) as connection:
            await run(
                connection,
                sql("""UPDATE users SET group_number = :g, version = version + 1
                        WHERE bucket = :b AND id = :u"""),
                {"g": group_number, "b": bucket, "u": person.id},
            )
            for group, change in ((person.group_number, -1), (group_number, 1)):
                await run(
                    connection,
                    sql("""UPDATE group_sizes SET member_count = member_count + :c
                            WHERE bucket = :b AND group_number = :g"""),
                    {"c": change, "b": bucket, "g": group},
                )
        person.group_number = group_number
        await self.services.redis.flushdb()

    async def review(self, person: "Person", number: int, *, is_approved: bool) -> None:
        """A moderator judges what was handed in last."""
        now = utcnow()
        handed_in = await self.rows(
            "SELECT day, submitted_at FROM daily_tasks WHERE user_id = :u AND number = :n"
            " ORDER BY day",
            u=person.id,
            n=number,
        )
        await record_review(
            self.database,
            person.id,
            handed_in[-1].day,
            number,
            handed_in[-1].submitted_at,
            is_approved=is_approved,
            reviewer="moderator",
            now=now,
        )
        await self.drain()

    async def tick(self, bucket: int, boundary: datetime) -> int:
        """Credit a bucket, as a worker does that holds it. Return the payments made."""
        async with transaction(self.database) as connection:
            through = await lock_bucket(connection, bucket)
            return await credit.credit(connection, bucket, through, boundary, boundary)

    async def rows(self, statement: Any, **params: Any) -> Sequence[Row]:
        """Rows of a query; :now is the clock's time unless given."""
        query = sql(statement) if isinstance(statement, str) else statement
        if "now" in query.names:
            params.setdefault("now", utcnow())
        async with connected(self.database) as connection:
            return await rows(connection, query, params)

    async def value(self, statement: str, **params: Any) -> Any:
        """The one value of a query."""
        return (await self.rows(statement, **params))[0][0]

    async def assert_books_are_right(self) -> None:
        """Every invariant holds."""
        found = await audit(self.database) + await audit_globally(self.database, utcnow())
        assert found == [], found


class Person:
    """A member with a phone."""

    def __init__(self, world: World, user_id: int, group_number: int) -> None:
        self.world = world
        self.id = user_id
        self.group_number = group_number
        self._keys = count(1)

    @property
    def headers(self) -> dict[str, str]:
        secret, sign_in_id = self.world.config.secret, UUID(int=self.id)
        token = issue_access_token(secret, self.id, utcnow(), sign_in_id)
        return {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """GET with this person's token."""
        return await self.world.http.get(path, headers=self.headers | headers)

    async def post(
        self, path: str, body: Any = None, key: str | None = None, **headers: str
    ) -> httpx.Response:
        """POST with this person's token and a key of its own."""
        key = key or f"key-{next(self._keys)}"
        return await self.world.http.post(
            path, json=body, headers=self.headers | {"Idempotency-Key": key} | headers
        )

    async def outcome(self, response: httpx.Response) -> dict[str, Any]:
        """What became of a recorded intent, after the workers came to rest."""
        assert response.status_code in (200, 202), response.text
        await self.world.drain()
        answer = await self.get(response.headers["Location"])
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        assert found["status"] != "FAILED", await self.world.rows("SELECT error FROM intents")
        return found

    async def ask(self, path: str, body: Any = None, key: str | None = None) -> dict[str, Any]:
        """POST and wait for the outcome."""
        return await self.outcome(await self.post(path, body, key))

    async def start(self, key: str | None = None) -> dict[str, Any]:
        """Ask to mine."""
        return await self.ask("/v1/mining/sessions", key=key)

    async def begin(self) -> dict[str, Any]:
        """Ask to mine and begin to watch the ad; return it."""
        started = await self.start()
        assert started["status"] == "APPLIED", started
        ad: dict[str, Any] = started["result"]["ad"]
        await self.report(ad["view_id"], "started")
        return ad

    async def report(self, view_id: str, what: str, body: Any = None) -> dict[str, Any]:
        """Report an ad view as started, completed or failed."""
        return await self.ask(f"/v1/ads/views/{view_id}/{what}", body)

    async def callback(
        self,
        nonce: str,
        event_id: str | None = None,
        unit: str = "house-rewarded",
        seconds: int = 60,
    ) -> httpx.Response:
        """The house network confirms a view, and how long it showed the ad."""
        secret = self.world.config.house_secrets[0]
        body, headers = house_event(secret, nonce, event_id, unit, seconds)
        path = "/v1/ads/callbacks/house"
        return await self.world.http.post(path, content=body, headers=headers)

    async def mine(self, seconds: float = 60) -> dict[str, Any]:
        """Start, watch the ad for some seconds, report it; the network confirms it.

        Return the outcome of the report.
        """
        ad = await self.begin()
        await self.world.go_to(utcnow() + timedelta(seconds=seconds))
        reported = await self.report(ad["view_id"], "completed")
        if reported["status"] == "APPLIED":
            assert (await self.callback(ad["nonce"])).status_code == 200
            await self.world.drain()
        return reported

    async def status(self) -> dict[str, Any]:
        """The poll."""
        answer = await self.get("/v1/mining/status")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def balance(self) -> str:
        """What the wallet holds."""
        balance: str = (await self.get("/v1/wallet")).json()["balance"]
        return balance

    def next_opening(self) -> datetime:
        """When this person's window opens next."""
        return next_opening(self.world.table, self.group_number, utcnow())


@asynccontextmanager
async def open_world(
    config: Config, database: Database, clock: FrozenDateTimeFactory
) -> AsyncIterator[World]:
    """Start the application and a worker's tools on the test's database."""
    app = _APPS.pop() if _APPS else create_app(config)
    app.state.config = config
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    redis = Redis.from_url(config.redis_url)
    async with (
        open_services(config) as services,
        httpx.AsyncClient(
            transport=transport,
            base_url="http://twtc.test",
            event_hooks={"response": [assert_is_documented]},
        ) as http,
    ):
        app.state.services = services
        shop = make_workshop(database, services.installation, redis)
        world = World(config, database, clock, app, http, shop)
        await world.go_to(utcnow())
        yield world
    _APPS.append(app)
    await redis.aclose()


# An application takes longer to make than most tests take; its state is all that differs.
_APPS: list[Litestar] = []
