"""Databases of a test's own, on the servers of `./run test`."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import pytest

from models.base.db import Connection, connected, open_database, run, sql
from runtime.environment import postgresql_url
from trials.databases import drop_database


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


@asynccontextmanager
async def empty_database(name: str) -> AsyncIterator[str]:
    """The URL of a database without any table, dropped in the end."""
    await drop(name)
    await run_on_server(f"CREATE DATABASE {name}")
    yield with_database(server_url(), name)
    await drop(name)
