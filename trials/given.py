"""Servers that a trial is given in the environment, in place of its own."""

import asyncio
from collections.abc import Mapping

from msgspec import Struct
from redis import Redis
from redis.exceptions import RedisError

from models.base.db import DATABASE_ERRORS, connected, open_database, rows, sql
from ops.local.daemon import ServerError
from ops.local.servers import Servers
from runtime.environment import postgresql_url

HAS_TABLES = sql("SELECT to_regclass('intents') IS NOT NULL AS has_tables")


class Given(Struct, frozen=True):
    """URLs, empty where a trial has a server of its own."""

    database_url: str = ""
    redis_url: str = ""
    broker_url: str = ""


def given_servers(environ: Mapping[str, str]) -> Given:
    """DATABASE_URL, REDIS_URL and BROKER_URL. Raise ConfigError for a database of another kind."""
    database_url = environ.get("DATABASE_URL", "")
    return Given(
        postgresql_url(database_url) if database_url else "",
        environ.get("REDIS_URL", ""),
        environ.get("BROKER_URL", ""),
    )


def check_unused(given: Given, servers: Servers) -> None:
    """Raise ServerError if a given server cannot be reached or holds anything: a trial fills it."""
    if given.database_url and asyncio.run(_has_tables(servers.database_url)):
        raise ServerError(
            "The database of DATABASE_URL has an installation in it. Name an empty one: members "
            "are made up there, and time passes as it does for nobody."
        )
    for name, url in (("REDIS_URL", given.redis_url), ("BROKER_URL", given.broker_url)):
        if url.startswith("redis") and _has_keys(name, url):
            raise ServerError(f"The Redis database of {name} is not empty. Name one that is.")


async def _has_tables(url: str) -> bool:
    database = open_database(url, pool_size=1, application_name="twtc-trial")
    try:
        async with connected(database) as connection:
            [found] = await rows(connection, HAS_TABLES)
            return bool(found.has_tables)
    except DATABASE_ERRORS as error:
        raise ServerError(f"The server of DATABASE_URL does not answer: {error}") from None
    finally:
        await database.dispose()


def _has_keys(name: str, url: str) -> bool:
    try:
        with Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as redis:
            return bool(redis.dbsize())
    except (RedisError, OSError) as error:
        raise ServerError(f"The server of {name} does not answer: {error}") from None
