"""Databases of a test's own, on the servers of `./run test`."""

import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import pytest

from models.base.db import Connection, Database, connected, open_database, run, sql
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


@asynccontextmanager
async def on_server() -> AsyncIterator[Connection]:
    """A connection to the server's own database."""
    server = open_database(server_url(), pool_size=1, application_name="tests")
    async with connected(server) as connection:
        yield connection
    await server.dispose()


async def run_on_server(statement: str) -> None:
    """Run a statement that no transaction may hold."""
    async with on_server() as connection:
        await run(connection, sql(statement))


async def drop(name: str) -> None:
    """Drop a database, whoever is connected to it."""
    async with on_server() as connection:
        await drop_database(connection, name)


async def clone(name: str, template: str) -> None:
    """Make it anew from another one that nobody is connected to."""
    await drop(name)
    await run_on_server(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")


@contextmanager
def cloned(name: str, template: str) -> Iterator[str]:
    """The URL of a database like another one, dropped in the end. On a cluster there is but one."""
    if cluster.URL:
        aside(cluster.put_back(cluster.HELD[template]))
        yield cluster.URL
        return
    aside(clone(name, template))
    yield with_database(server_url(), name)
    aside(drop(name))


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
    await drop(name)
    await run_on_server(f"CREATE DATABASE {name}")
    yield with_database(server_url(), name)
    await drop(name)
