"""What holds for the whole installation: timing, groups' schedules, ad units; and their seeding.

`release` writes them once; every process reads them when it starts, so that no two can disagree.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from engine.ads.state import AdUnit, Proof, Purpose
from engine.core.timeline import (
    GROUP_COUNT,
    PROFILES,
    Timetable,
    Timing,
    TimingError,
    check_timing,
    daily_schedule,
    read_schedule,
    timetable,
)
from models.base.db import Connection, Database, connected, rows, run, sql
from models.base.encoding import encode
from models.installation.configuration import seed_configuration
from runtime.clock import new_id

_DURATIONS = ("_SECOND", "_SECONDS", "_MINUTE", "_MINUTES", "_HOUR", "_HOURS")
GROUPS = range(1, GROUP_COUNT + 1)

SAVE_SETTING = sql("""
    INSERT INTO settings (name, value, updated_at) VALUES (:name, CAST(:value AS jsonb), :now)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
    WHERE settings.value <> excluded.value
""")

KEEP_SETTING = sql("""
    INSERT INTO settings (name, value, updated_at) VALUES (:name, CAST(:value AS jsonb), :now)
    ON CONFLICT (name) DO NOTHING
""")

SETTINGS = sql("SELECT name, value FROM settings")

# An edited schedule stands until the timing changes, which makes another one necessary.
SAVE_GROUP = sql("""
    INSERT INTO user_groups (group_number, mining_schedule, created_at, updated_at)
    VALUES (:group_number, CAST(:schedule AS jsonb), :now, :now)
    ON CONFLICT (group_number) DO UPDATE
    SET mining_schedule = excluded.mining_schedule, updated_at = excluded.updated_at
    WHERE CAST(:timing_changed AS boolean)
""")

GROUP_SCHEDULES = sql("SELECT group_number, mining_schedule FROM user_groups ORDER BY 1")

SAVE_AD = sql("""
    INSERT INTO ads (id, network, unit, former_units, type, purpose, min_seconds, proof, weight,
                     fallback_rank, revenue_micro_usd, is_active)
    VALUES (:id, :network, :unit, '[]', 'REWARDED', :purpose, :min_seconds, 'BOTH', :weight,
            :fallback_rank, :revenue_micro_usd, :is_active)
    ON CONFLICT (id) DO UPDATE SET min_seconds = excluded.min_seconds
    WHERE ads.min_seconds = CAST(:seconds_before AS smallint)
""")

ACTIVE_ADS = sql("""
    SELECT id, network, unit, purpose, weight, fallback_rank, min_seconds, proof,
           revenue_micro_usd, requests_per_minute
    FROM ads WHERE is_active ORDER BY id
""")

# Also units that are served no longer: what was served before still counts.
AD_UNITS_OF = sql("""
    SELECT unit FROM ads WHERE network = :network
    UNION SELECT jsonb_array_elements_text(former_units) FROM ads WHERE network = :network
""")


class Installation(Struct, frozen=True):
    """What every process reads when it starts. `id` tells copies in Redis of another one apart."""

    id: UUID
    table: Timetable


class NotReleasedError(RuntimeError):
    """The database has no settings yet: `twtc release` has not run."""


def timing_from(environ: Mapping[str, str]) -> Timing:
    """The timing of TWTC_PROFILE, with TWTC_CYCLE_SECONDS and its like laid over it.

    Raise TimingError if they contradict each other.
    """
    profile = environ.get("TWTC_PROFILE", "development")
    if profile not in PROFILES:
        raise TimingError(f"TWTC_PROFILE={profile} is none of {', '.join(PROFILES)}")
    values: dict[str, int] = msgspec.structs.asdict(PROFILES[profile])
    known = [f"TWTC_{name.upper()}" for name in values]
    for name in environ:
        if name.startswith("TWTC_") and name.endswith(_DURATIONS) and name not in known:
            raise TimingError(f"{name} is no setting; there are {', '.join(known)}")
    for name in values:
        override = environ.get(f"TWTC_{name.upper()}")
        if override is not None:
            if not override.isdecimal():
                raise TimingError(f"TWTC_{name.upper()}={override} is not a number of seconds")
            values[name] = int(override)
            if name == "stagger_seconds" and "TWTC_WINDOW_SECONDS" not in environ:
                values["window_seconds"] = int(override)
    timing = Timing(**values)
    check_timing(timing)
    return timing


async def seed_reference(connection: Connection, timing: Timing, now: datetime) -> None:
    """Fill the tables that every installation has alike, or bring them up to the timing."""
    installation = {"name": "installation", "value": encode(new_id(now)), "now": now}
    await run(connection, KEEP_SETTING, installation)
    await seed_configuration(connection, now)
    stored = {row.name: row.value for row in await rows(connection, SETTINGS)}.get("timing")
    before = msgspec.json.decode(stored, type=Timing) if stored else timing
    params: dict[str, Any] = {"name": "timing", "value": encode(timing), "now": now}
    await run(connection, SAVE_SETTING, params)
    table = timetable(timing)
    for group in GROUPS:
        params = {
            "group_number": group,
            "schedule": encode(daily_schedule(table, group)),
            "timing_changed": before != timing,
            "now": now,
        }
        await run(connection, SAVE_GROUP, params)
    for unit, before_unit in zip(seeded_ads(timing), seeded_ads(before), strict=True):
        await run(connection, SAVE_AD, unit | {"seconds_before": before_unit["min_seconds"]})


# Blueprint, "Scale": the rotation's shares, and the chain of fallbacks: AdMob → Meta → Unity → own.
ROTATION = (
    ("house", 10, 4, 3_000),
    ("admob", 40, 1, 10_000),
    ("meta", 30, 2, 9_000),
    ("unity", 20, 3, 8_000),
)
TASK_AD_SHARE = 3  # an ad of a task is a third as long as one for a session: 20 s


def seeded_ads(timing: Timing) -> list[dict[str, Any]]:
    """The ad units of a new installation: one a network for sessions, and one for tasks.

    Those of outside networks become active with the operator's own unit.
    """
    seconds = {"MINING": timing.ad_seconds, "TASK": max(1, timing.ad_seconds // TASK_AD_SHARE)}
    return [
        {
            "id": row * len(ROTATION) + place,
            "network": network,
            "unit": f"house-{name}" if network == "house" else f"000000000{row}",
            "purpose": purpose,
            "min_seconds": seconds[purpose],
            "weight": weight,
            "fallback_rank": rank,
            "revenue_micro_usd": revenue_micro_usd,
            "is_active": network == "house",
        }
        for row, (purpose, name) in enumerate((("MINING", "rewarded"), ("TASK", "task")))
        for place, (network, weight, rank, revenue_micro_usd) in enumerate(ROTATION, start=1)
    ]


async def load_installation(database: Database) -> Installation:
    """Read and check the settings. Raise NotReleasedError or TimingError."""
    async with connected(database) as connection:
        values = {row.name: row.value for row in await rows(connection, SETTINGS)}
        schedules = await rows(connection, GROUP_SCHEDULES)
    if "timing" not in values or len(schedules) != GROUP_COUNT:
        raise NotReleasedError("the database is not seeded: run `twtc release` first")
    timing = msgspec.json.decode(values["timing"], type=Timing)
    check_timing(timing)
    phases = tuple(
        read_schedule(timing, msgspec.json.decode(row.mining_schedule, type=list[str]))
        for row in schedules
    )
    installation_id = msgspec.json.decode(values["installation"], type=UUID)
    return Installation(installation_id, Timetable(timing, phases))


async def load_ads(connection: Connection) -> tuple[AdUnit, ...]:
    """The ad units that may be served."""
    return tuple(
        AdUnit(**{**row, "purpose": Purpose(row.purpose), "proof": Proof(row.proof)})
        for row in await rows(connection, ACTIVE_ADS)
    )


async def ad_units_of(database: Database, network: str) -> frozenset[str]:
    """Units of a network whose callbacks are accepted."""
    async with connected(database) as connection:
        found = await rows(connection, AD_UNITS_OF, {"network": network})
    return frozenset(row.unit for row in found)
