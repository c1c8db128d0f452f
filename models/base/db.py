"""Connections, statements and transactions. Nothing outside models/ begins or commits one.

Statements run on asyncpg directly: SQLAlchemy describes the tables and their migrations, but cost
a third of every drain when it ran the statements (docs/decisions).
"""

import asyncio
import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import asyncpg

from models.base.connections import KnowingConnection

# Serialization failure, deadlock, lock timeout, a server that only reads by now; and the classes
# of connection lost, out of resources, server stopping, a node lost while rows are copied to it.
RETRYABLE_SQLSTATES = frozenset({"40001", "40P01", "55P03", "25006"})
RETRYABLE_SQLSTATE_CLASSES = frozenset({"08", "53", "57", "58"})
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 60_000
CONNECT_SECONDS_MAX = 10
NODE_CONNECT_MS = 5_000
STREAM_ROWS = 500
ACQUIRE_SECONDS_MAX = 10
# In the query of a URL that leads to PgBouncer in transaction mode (decision 0040).
POOLER = "pooler=transaction"

Params = Mapping[str, Any]
_SAYS_WHERE = "target_session_attrs="
_NAMED = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
# What asyncpg raises when PostgreSQL cannot be reached, or goes away meanwhile. The last of them
# for a session that was ended while it lay idle in the pool.
_CONNECTION_ERRORS = (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)
# What handlers and jobs that outlive an outage catch.
DATABASE_ERRORS = (*_CONNECTION_ERRORS, asyncpg.PostgresError)
# Two transactions made the same row: the unique key let one of them.
UniqueViolation = asyncpg.UniqueViolationError


class Row(asyncpg.Record):  # type: ignore[misc]
    """A row whose columns are attributes as well as keys."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Connection(Protocol):
    """What is used of asyncpg's connection."""

    async def fetch(self, query: str, *args: Any) -> list[Row]: ...

    async def execute(self, query: str, *args: Any) -> str: ...

    def transaction(self, **options: Any) -> AbstractAsyncContextManager[None]: ...

    def cursor(self, query: str, *args: Any, prefetch: int) -> AsyncIterable[Row]: ...

    async def copy_from_query(self, query: str, *, output: Any, **options: Any) -> str: ...


class Statement:
    """SQL with :named parameters, prepared once per connection."""

    __slots__ = ("names", "numbered", "source")

    def __init__(self, source: str) -> None:
        names: dict[str, int] = {}

        def number(match: re.Match[str]) -> str:
            return f"${names.setdefault(match[1], len(names) + 1)}"

        self.source = source
        self.numbered = _NAMED.sub(number, source)
        self.names = tuple(names)

    def arguments(self, params: Params | None) -> list[Any]:
        """Values in the order of their numbers. Raise KeyError if one is missing."""
        return [params[name] for name in self.names] if params is not None else []


sql = Statement


class Database:
    """A pool of connections, opened when it is first used.

    Behind a pooler each transaction may run on another session: it brings its settings along, and
    nothing is prepared. One that `reads_only` may be a replica (models/base/replica.py).
    """

    def __init__(
        self,
        url: str,
        pool_size: int,
        application_name: str,
        statement_timeout_ms: int,
        reads_only: bool = False,
    ) -> None:
        self.url = _without_pooler(url)
        self._reads_only = reads_only
        self.pool_size = pool_size
        self._is_pooled = url != self.url
        # Not to a former primary that an address still leads to; a pooler sees to it itself.
        is_open = reads_only or self._is_pooled or _SAYS_WHERE in url
        self._leads_to = None if is_open else "read-write"
        self._settings = {"application_name": application_name, "timezone": "UTC"}
        # A cluster passes on only what comes after its own setting.
        limits = {
            "citus.propagate_set_commands": "local",
            # Or each look-up of a type asks of every hidden shard whether it may be seen.
            "citus.override_table_visibility": "off",
            "citus.node_connection_timeout": str(NODE_CONNECT_MS),
            "jit": "off",
            "lock_timeout": str(LOCK_TIMEOUT_MS),
            "statement_timeout": str(statement_timeout_ms),
        }
        if not self._is_pooled:
            self._settings |= limits
        # What a transaction begins with: nothing, unless its session was not told yet.
        self.opening = _local(limits) if self._is_pooled else ""
        self._command_timeout = statement_timeout_ms / 1000 + 5 if statement_timeout_ms else None
        self.is_cluster = False  # known once it is opened
        self.away: dict[int, float] = {}  # nodes of a cluster that rest, and until when
        self._pool: Any = None
        self._opening = asyncio.Lock()

    async def pool(self) -> Any:
        """The pool, opened by whoever comes first."""
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    pool = await asyncpg.create_pool(
                        self.url,
                        min_size=0,
                        max_size=self.pool_size,
                        record_class=Row,
                        timeout=CONNECT_SECONDS_MAX,
                        command_timeout=self._command_timeout,
                        server_settings=self._settings,
                        statement_cache_size=0 if self._is_pooled else 200,
                        max_cached_statement_lifetime=0,
                        reset=_leave_as_it_is,
                        connection_class=KnowingConnection,
                        target_session_attrs=self._leads_to,
                    )
                    # A replica is not asked: it may not answer, and nothing is written there.
                    self.is_cluster = not self._reads_only and await _is_cluster(pool)
                    if self.is_cluster and not self._is_pooled:
                        # Its workers hear only of what is local.
                        self.opening = _local({"lock_timeout": str(LOCK_TIMEOUT_MS)})
                    self._pool = pool
        return self._pool

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool."""
        pool = await self.pool()
        async with pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
            try:
                yield connection
            except asyncpg.ReadOnlySQLTransactionError:
                # After a failover what was the primary answers on, but writes nothing any more.
                await self.leave()
                raise

    @property
    def is_one_server(self) -> bool:
        """Whether one server has all buckets, as soon as there is a connection.

        Of a replica it is not known: its primary may be a cluster's coordinator.
        """
        return not self.is_cluster and not self._reads_only

    async def leave(self) -> None:
        """Give up every connection as soon as it is free: they lead to where nothing is written."""
        if self._pool is not None:
            await self._pool.expire_connections()

    def use(self) -> tuple[int, int]:
        """How many connections are busy, and how many are open and idle."""
        if self._pool is None:
            return 0, 0
        idle: int = self._pool.get_idle_size()
        return self._pool.get_size() - idle, idle

    async def dispose(self) -> None:
        """Close the connections. The database may be used again: a new pool opens then."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()


def _without_pooler(url: str) -> str:
    address, _, query = url.partition("?")
    kept = "&".join(part for part in query.split("&") if part != POOLER)
    return f"{address}?{kept}" if kept else address


def _local(settings: Mapping[str, str]) -> str:
    return "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in settings.items())


async def _is_cluster(pool: Any) -> bool:
    async with pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
        return bool(await connection.fetchval("SELECT to_regclass('pg_dist_node') IS NOT NULL"))


async def _leave_as_it_is(connection: Any) -> None:
    """No statement here changes a session's state, so none has to be reset."""


def open_database(
    url: str,
    *,
    pool_size: int,
    application_name: str,
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
) -> Database:
    """A database of at most `pool_size` connections. Opens no socket until it is used.

    A statement timeout of 0 means none, for reports over everything.
    """
    return Database(url, pool_size, application_name, statement_timeout_ms)


@asynccontextmanager
async def connected(database: Database) -> AsyncIterator[Connection]:
    """A connection on which each statement is a transaction of its own."""
    async with database.connection() as connection:
        yield connection


@asynccontextmanager
async def transaction(database: Database) -> AsyncIterator[Connection]:
    """One transaction on one connection: committed at the end, rolled back on any error."""
    async with connected(database) as connection, connection.transaction():
        if database.opening:
            await connection.execute(database.opening)
        yield connection


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Connection]:
    """A transaction that only reads, and sees the database as it was at its first statement."""
    async with (
        connected(database) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        if database.opening:
            await connection.execute(database.opening)
        yield connection


async def rows(
    connection: Connection, statement: Statement, params: Params | None = None
) -> Sequence[Row]:
    """All rows of a statement."""
    return await connection.fetch(statement.numbered, *statement.arguments(params))


async def stream(
    connection: Connection, statement: Statement, params: Params | None = None
) -> AsyncIterator[Row]:
    """Rows of a statement, read STREAM_ROWS at a time; only within a transaction."""
    cursor = connection.cursor(
        statement.numbered, *statement.arguments(params), prefetch=STREAM_ROWS
    )
    async for row in cursor:
        yield row


async def run(connection: Connection, statement: Statement, params: Params | None = None) -> int:
    """Run a statement for its effect. Return how many rows it touched."""
    status = await connection.execute(statement.numbered, *statement.arguments(params))
    count = status.rpartition(" ")[2]
    return int(count) if count.isdecimal() else 0


def is_retryable(error: BaseException) -> bool:
    """Whether the same transaction may succeed if it is run again."""
    if isinstance(error, _CONNECTION_ERRORS):
        return True
    state = getattr(error, "sqlstate", None) or ""
    # 57014 is our own statement timeout: running it again would only time out again.
    return state != "57014" and (
        state in RETRYABLE_SQLSTATES or state[:2] in RETRYABLE_SQLSTATE_CLASSES
    )
