"""Every test has a database of its own, cloned from a template, on the servers of `./run test`."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain, islice
from pathlib import Path

import freezegun
import pytest
from freezegun.api import FrozenDateTimeFactory
from redis import Redis

import runtime.clock
from api.app import create_app
from engine.core.timeline import PRODUCTION
from models.base.db import Database, open_database
from models.base.partitions import prepare_partitions
from models.schema.migrate import migrate
from models.schema.seed import seed
from runtime.environment import Config
from runtime.garbage import keep_for_good
from tests.kit import cluster
from tests.kit.configs import config_on
from tests.kit.databases import Server, opened_server
from tests.kit.words import START
from tests.kit.workshop import live_until_now
from tests.kit.world import World, open_world

# Litestar turns a path into a real date, or into none; how long a test takes is no frozen time.
freezegun.configure(extend_ignore_list=["asyncpg", "litestar.routes.base", "_pytest.timing"])


# They tell no time here; to look through what they consist of takes longer than many a test.
TIMELESS = (
    "_pytest.",
    "alembic.",
    "hypothesis.",
    "jsonschema.",
    "kubernetes.",
    "playwright.",
    "pluggy.",
    "prometheus_client.",
    "pygments.",
    "referencing.",
    "rich.",
    "schemathesis.",
    "sqlalchemy.",
    "yaml.",
)


# Their tests take long: each test process begins with one of them, and nobody is left with one.
LONG = ("browser", "processes", "trials", "stories")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On a cluster a few tests are left out, each with its reason."""
    _begin_with_long(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    for item in items:
        reason = cluster.EXCEPTIONS.get(item.name.partition("[")[0]) if cluster.URL else None
        if reason is not None:
            item.add_marker(pytest.mark.skip(reason=f"not on a cluster: {reason}"))


def _begin_with_long(items: list[pytest.Item], workers: int) -> None:
    """Order tests so that equal shares, in which they are dealt out, begin with what is long."""
    by_folder: dict[str, list[pytest.Item]] = {}
    for item in items:
        by_folder.setdefault(item.path.parent.name, []).append(item)
    long = [by_folder.pop(folder, []) for folder in LONG]
    others = chain.from_iterable(by_folder.values())
    share = -(-len(items) // workers)
    ordered: list[pytest.Item] = []
    for number in range(workers):
        begins = list(chain.from_iterable(long[number::workers]))
        ordered += [*begins, *islice(others, max(0, share - len(begins)))]
    items[:] = [*ordered, *others]


@pytest.fixture(scope="session")
async def databases() -> AsyncIterator[Server]:
    """The server that has this test process's databases."""
    async with opened_server() as opened:
        yield opened


@pytest.fixture(scope="session")
async def template(databases: Server, worker_id: str) -> AsyncIterator[str]:
    """A migrated and seeded database for this test process."""
    if cluster.URL:
        await cluster.clear()
        await _install(cluster.URL)
        cluster.HELD["template"] = await cluster.keep()
        yield "template"
        return
    name = f"twtc_template_{worker_id}"
    await _install(await databases.create(name))
    yield name
    await databases.drop(name)


async def _install(url: str) -> None:
    await migrate(url)
    database = open_database(url, pool_size=1, application_name="template")
    await seed(database, PRODUCTION, START)
    await prepare_partitions(database, START.date())
    await database.dispose()


@pytest.fixture(scope="session")
def redis_numbers(worker_id: str) -> Callable[[int], tuple[str, str]]:
    """Two databases of this test process alone, for hints and for the broker, from a number on."""
    number = int(worker_id.removeprefix("gw")) if worker_id != "master" else 15
    base = os.environ["REDIS_URL"].rsplit("/", 1)[0]
    return lambda first: (f"{base}/{first + 2 * number}", f"{base}/{first + 1 + 2 * number}")


@pytest.fixture(scope="session")
def redis_urls(redis_numbers: Callable[[int], tuple[str, str]]) -> tuple[str, str]:
    """Of each test; beside them are the dashboard's, from 40 on, and those that many share."""
    return redis_numbers(2)


@pytest.fixture(scope="session")
def redis_clients(redis_urls: tuple[str, str]) -> Iterator[list[Redis]]:
    """A connection to each of them."""
    clients = [Redis.from_url(url) for url in redis_urls]
    yield clients
    for client in clients:
        client.close()


@pytest.fixture
def dashboard_url(redis_urls: tuple[str, str]) -> Iterator[str]:
    """An empty database for the projection of this test process's queues."""
    base, number = redis_urls[0].rsplit("/", 1)
    url = f"{base}/{40 + int(number) // 2}"
    with Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


@pytest.fixture(scope="session")
async def lived(
    databases: Server, template: str, redis_urls: tuple[str, str], worker_id: str
) -> AsyncIterator[str]:
    """The template after the upkeep that a new installation makes up for."""
    if cluster.URL:
        await cluster.put_back(cluster.HELD["template"])
        await _live(cluster.URL, redis_urls[0])
        cluster.HELD["lived"] = await cluster.keep()
        yield "lived"
        return
    name = f"twtc_lived_{worker_id}"
    await _live(await databases.create(name, template), redis_urls[0])
    yield name
    await databases.drop(name)


async def _live(url: str, redis_url: str) -> None:
    database = open_database(url, pool_size=8, application_name="template")
    with runtime.clock.use(lambda: START):
        await live_until_now(database, redis_url)
    await database.dispose()


@pytest.fixture(scope="session")
async def test_database(databases: Server, worker_id: str) -> AsyncIterator[str]:
    """The name of the database that each test of this process makes anew."""
    name = f"twtc_test_{worker_id}"
    yield name
    if not cluster.URL:
        await databases.drop(name)


@pytest.fixture
async def database_url(
    request: pytest.FixtureRequest, template: str, lived: str, test_database: str, databases: Server
) -> AsyncIterator[str]:
    """An empty installation in the production profile, a moment after START."""
    chosen = lived if "world" in request.fixturenames else template
    if cluster.URL:
        await cluster.put_back(cluster.HELD[chosen])
        yield cluster.URL
        return
    yield await databases.create(test_database, chosen)


@pytest.fixture
def config(
    database_url: str, redis_urls: tuple[str, str], redis_clients: list[Redis], tmp_path: Path
) -> Config:
    """Settings of a process under test; its Redis databases begin empty."""
    for client in redis_clients:
        client.flushdb()
    return config_on(database_url, redis_urls, tmp_path)


@pytest.fixture
async def database(config: Config) -> AsyncIterator[Database]:
    """A connection pool on the test's own database."""
    engine = open_database(config.database_url, pool_size=8, application_name="test")
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
def imported() -> None:
    """Litestar imports some of its parts on first use; none may first see a frozen clock."""
    placeholder = Config("", "", "redis://", b"", (), "")
    create_app(placeholder)
    keep_for_good()  # tests and what they test: half a gigabyte to look through


@pytest.fixture
def clock(imported: None) -> Iterator[FrozenDateTimeFactory]:
    """The time stands still at START until the test moves it."""
    # Litestar's paths are parsed by msgspec, which knows no frozen kind of date.
    ignored = ["litestar.routes.base", "_pytest.timing", *TIMELESS]
    with freezegun.freeze_time(START, real_asyncio=True, ignore=ignored) as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        yield frozen


@pytest.fixture
async def world(
    clock: FrozenDateTimeFactory, config: Config, database: Database
) -> AsyncIterator[World]:
    """The product on a frozen clock: real handlers, workers, timetable and servers.

    Whatever the test did, the books must be right at its end.
    """
    async with open_world(config, database, clock) as opened:
        yield opened
        await opened.assert_books_are_right()
