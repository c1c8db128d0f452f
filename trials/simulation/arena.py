"""A scratch installation that is emptied between seeds: its database, applications, connections."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
from litestar import Litestar

from api.app import create_app
from api.web_base.services import Services, open_services
from engine.core.timeline import Timetable, utc_day
from models.base.db import Database, Row, open_database, transaction
from models.content.catalogue import Catalogue
from models.content.library import seed_films
from models.tables import metadata
from runtime.broker.bells import Bells
from runtime.environment import Config
from trials.simulation.content import Content

# What stands in the database for every seed.
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
CONNECTIONS = 17
APIS = 2
# Written once by the release; the rest is a seed's own.
_KEPT = frozenset(
    {"settings", "user_groups", "ads", "articles", "questions", "videos", "task_types"}
    | {"configuration_versions", "credit_watermarks", "group_sizes", "admin_log"}
)
_EMPTYING = """
    CREATE OR REPLACE FUNCTION transactions_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND current_setting('simulation.emptying', true) = 'yes' THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'transactions is append-only'
            USING ERRCODE = 'integrity_constraint_violation';
    END $$
"""


class Silence(Bells):
    """For services that are only there to be copied."""

    def __init__(self) -> None:
        pass

    async def close(self) -> None:
        """Nothing to close."""


class Arena:
    """What is opened once for many seeds."""

    def __init__(
        self,
        config: Config,
        services: Services,
        apps: list[Litestar],
        database: Database,
        connections: list[Any],
        monitor: Any,
        facts: Content,
    ) -> None:
        self.config = config
        self.services = services
        self.apps = apps
        self.database = database
        self.connections = connections
        self.monitor = monitor
        self.facts = facts
        emptied = [t.name for t in reversed(metadata.sorted_tables) if t.name not in _KEPT]
        self._emptying = [f"DELETE FROM {name}" for name in emptied]  # noqa: S608

    @property
    def table(self) -> Timetable:
        """When whose window opens."""
        return self.services.installation.table

    async def group_of(self, user_id: int) -> int:
        """A member's group as it is now."""
        group: int = await self.monitor.fetchval(
            "SELECT group_number FROM users WHERE id = $1", user_id
        )
        return group

    async def empty(self, since: datetime) -> None:
        """Begin anew: nobody is there, and everything is credited up to `since`."""
        await self.monitor.execute("SET simulation.emptying = 'yes'")
        for statement in self._emptying:
            await self.monitor.execute(statement)
        await self.monitor.execute(
            "UPDATE credit_watermarks SET credited_through = $1 WHERE credited_through <> $1",
            since,
        )
        await self.monitor.execute("UPDATE group_sizes SET member_count = 0 WHERE member_count > 0")
        await self.monitor.execute("SET simulation.emptying = 'no'")
        await self.services.redis.flushdb()


async def _connect(url: str, name: str) -> Any:
    settings = {"application_name": name, "timezone": "UTC", "jit": "off"}
    return await asyncpg.connect(
        url,
        record_class=Row,
        server_settings=settings,
        statement_cache_size=300,
        max_cached_statement_lifetime=0,
    )


@asynccontextmanager
async def open_arena(config: Config) -> AsyncIterator[Arena]:
    """Open a scratch installation, migrated and seeded. It is emptied: never use another one."""
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(config, Silence()))
        apps = [create_app(config) for _ in range(APIS)]
        connections = []
        for number in range(CONNECTIONS):
            connection = await _connect(config.database_url, f"simulation-{number}")
            stack.push_async_callback(connection.close)
            connections.append(connection)
        monitor = await _connect(config.database_url, "simulation-monitor")
        stack.push_async_callback(monitor.close)
        await monitor.execute(_EMPTYING)
        await monitor.execute("GRANT DELETE ON transactions TO CURRENT_USER")
        database = open_database(
            config.database_url, pool_size=2, application_name="simulation-checks"
        )
        stack.push_async_callback(database.dispose)
        catalogue, day = Catalogue(database), utc_day(BEGIN)
        async with transaction(database) as connection:
            await seed_films(connection)
        facts = Content(
            await catalogue.library(),
            (await catalogue.days([day], BEGIN))[day],
            str(services.installation.id),
        )
        yield Arena(config, services, apps, database, connections, monitor, facts)
