"""Databases of a test's own, on the servers of `./run test`."""

import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import pytest

from models.base.db import Database, connected, open_database, run, sql
from runtime.environment import postgresql_url
from tests.kit import cluster
from tests.kit.aside import aside
from trials.databases import drop_database

T = TypeVar("T")


def with_database(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def server_url() -> str:
    """The server of `./run test`."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        pytest.exit("the tests need servers: run ./run test", returncode=2)
    return postgresql_url(url)


class Server:
    """The server's own database, on a connection that stays open."""

    def __init__(self) -> None:
        self._database = open_database(server_url(), pool_size=1, application_name="tests")

    async def run(self, statement: str) -> None:
        """Run a statement that no transaction may hold."""
        async with connected(self._database) as connection:
            await run(connection, sql(statement))

    async def create(self, name: str, template: str | None = None) -> str:
        """Make a database anew, empty or as a template is. Return its URL."""
        await self.drop(name)
        copied = f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
        await self.run(f"CREATE DATABASE {name}{copied}")
        return with_database(server_url(), name)

    async def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        async with connected(self._database) as connection:
            await drop_database(connection, name)

    async def close(self) -> None:
        """Close the connection."""
        await self._database.dispose()


@asynccontextmanager
async def opened_server() -> AsyncIterator[Server]:
    """The server, for as long as it is needed."""
    server = Server()
    yield server
    await server.close()


@contextmanager
def cloned(name: str, template: str) -> Iterator[str]:
    """The URL of a database like another one, dropped in the end. On a cluster there is but one."""
    if cluster.URL:
        aside(cluster.put_back(cluster.HELD[template]))
        yield cluster.URL
        return

    async def create() -> str:
        async with opened_server() as server:
            return await server.create(name, template)

    async def drop() -> None:
        async with opened_server() as server:
            await server.drop(name)

    yield aside(create())
    aside(drop())


def on_database(url: str, work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """Do it aside, with a pool of its own."""

    async def opened() -> T:
        database = open_database(url, pool_size=4, application_name="test")
        try:
            return await work(database)
        finally:
            await database.dispose()

    return aside(opened())


@asynccontextmanager
async def empty_database(name: str) -> AsyncIterator[str]:
    """The URL of a database without any table, dropped in the end."""
    async with opened_server() as server:
        yield await server.create(name)
        await server.drop(name)
