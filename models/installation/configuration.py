"""Versions of the configuration: read by every process, added to by two people (decision 0028).

A version holds from at least five minutes after it was written, so that no process can have missed
it: each reads the few rows anew every minute. The table's own constraint keeps the distance.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from engine.admin.configuration import (
    Configuration,
    ConfigurationError,
    check_configuration,
    with_all_limits,
)
from engine.admin.pay import differences
from engine.core.versions import Version, in_force
from engine.tasks.state import Category
from models.base.db import Connection, Database, Row, connected, rows, run, sql
from models.base.encoding import encode
from models.base.trail import Actor, Entry, log_action

AHEAD = timedelta(minutes=5)
READ_ANEW_SECONDS = 60

# Rows are few, one a change.
VERSIONS = sql("""
    SELECT version, settings, changed, author_id, reason, created_at, effective_from
    FROM configuration_versions ORDER BY version
""")
ADD = sql("""
    INSERT INTO configuration_versions
        (version, settings, changed, author_id, reason, created_at, effective_from)
    VALUES (:version, CAST(:settings AS jsonb), CAST(:changed AS jsonb), :author_id, :reason, :now,
            CAST(:effective_from AS timestamptz))
    ON CONFLICT (version) DO NOTHING
""")
FORMER_MIX = sql("SELECT value FROM settings WHERE name = 'task_mix'")


class VersionConflictError(Exception):
    """Somebody else changed the configuration meanwhile."""


class Configurations:
    """One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._versions: tuple[Version[Configuration], ...] = ()
        self._until = 0.0

    async def versions(self, connection: Connection) -> tuple[Version[Configuration], ...]:
        """All versions by number, also those whose time has not come."""
        if time.monotonic() >= self._until:
            self._versions = await load_versions(connection)
            self._until = time.monotonic() + READ_ANEW_SECONDS
        return self._versions

    def forget(self) -> None:
        """Read them anew when they are needed next."""
        self._until = 0.0

    async def at(self, now: datetime) -> Configuration:
        """What holds at an instant."""
        if time.monotonic() >= self._until:
            async with connected(self._database) as connection:
                await self.versions(connection)
        return in_force(self._versions, now)


async def load_versions(connection: Connection) -> tuple[Version[Configuration], ...]:
    """All versions by number."""
    return tuple(version_of(row) for row in await rows(connection, VERSIONS))


def version_of(row: Row) -> Version[Configuration]:
    """A row as the rules see it."""
    # A newer release may have written it: what this one does not know, it does without. An older
    # one may have: what that did not know is as it is by default.
    stored = msgspec.json.decode(row.settings, type=dict[str, Any])
    known = {name: stored[name] for name in Configuration.__struct_fields__ if name in stored}
    known["limits"] = with_all_limits(stored.get("limits", {}))
    return Version(row.version, row.effective_from, msgspec.convert(known, Configuration))


async def seed_configuration(connection: Connection, now: datetime) -> None:
    """The installation's own version 1. A task mix set before there were versions stands in it."""
    settings = Configuration()
    former = await rows(connection, FORMER_MIX)
    if former:
        mix = msgspec.json.decode(former[0].value, type=dict[Category, int])
        kept = msgspec.structs.replace(settings, task_mix=dict.fromkeys(Category, 0) | mix)
        try:
            check_configuration(kept)
            settings = kept
        except ConfigurationError:
            pass  # it was never in force either
    await run(connection, ADD, _params(1, settings, {}, None, "installation", now, now))


async def read_versions(database: Database) -> Sequence[Row]:
    """All versions as they are stored, by number."""
    async with connected(database) as connection:
        return await rows(connection, VERSIONS)


async def next_version(
    connection: Connection, expected: int, settings: Configuration
) -> tuple[Version[Configuration], dict[str, list[Any]]]:
    """The last version, and what these settings after it change. `expected` is its number.

    Raise ConfigurationError or VersionConflictError for what cannot follow it.
    """
    check_configuration(settings)
    last = (await load_versions(connection))[-1]
    if last.number != expected:
        raise VersionConflictError
    changed = differences(*map(msgspec.structs.asdict, (last.settings, settings)))
    if not changed:
        raise ConfigurationError("nothing would change")
    return last, changed


async def add_version(
    connection: Connection,
    author_id: int,
    actor: Actor,
    expected: int,
    settings: Configuration,
    reason: str,
    effective_from: datetime | None,
    now: datetime,
) -> None:
    """Add a version that an author proposed and the actor approved, and to the trail.

    Raise as `next_version`; then nothing was written.
    """
    last, changed = await next_version(connection, expected, settings)
    since = max(effective_from or now, now + AHEAD, last.effective_from)
    params = _params(expected + 1, settings, changed, author_id, reason, now, since)
    if not await run(connection, ADD, params):
        raise VersionConflictError
    before = {name: values[0] for name, values in changed.items()}
    after = {name: values[1] for name, values in changed.items()}
    action = Entry(
        "configuration.change", "configuration", str(expected + 1), before, after, reason
    )
    await log_action(connection, actor, action, now)


def _params(
    number: int,
    settings: Configuration,
    changed: dict[str, list[Any]],
    author_id: int | None,
    reason: str,
    now: datetime,
    effective_from: datetime,
) -> dict[str, Any]:
    return {
        "version": number,
        "settings": encode(settings),
        "changed": encode(changed),
        "author_id": author_id,
        "reason": reason,
        "now": now,
        "effective_from": effective_from,
    }
