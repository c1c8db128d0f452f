"""`./run demo --keep`: the demo's people stay, in the data folder that `./run` starts in.

Their days are the last ones before now. At the end some tasks wait for a moderator, five accounts
turn out to share a phone, and only the house's ads are served: no other network answers here.
"""

import asyncio
import os
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace
from rich.console import Console

from api.identity.devices import Signals
from api.identity.passwords import hash_password
from engine.core.timeline import utc_day
from models.base.db import connected, open_database, rows, sql
from models.schema.migrate import migrate
from ops.local.daemon import ServerError
from ops.local.servers import Servers, local_servers
from ops.local.up import DEMO_EMAIL, Ports, environment
from runtime.clock import utcnow
from runtime.environment import CaptchaConfig, Config, load_config
from trials.demo.command import (
    LAST_HOURS,
    calm,
    conclude,
    live_through,
    look_back,
    open_lifetime,
    prepare,
)
from trials.demo.lifetime import WINDOW, Lifetime
from trials.demo.networks import NETWORK_SECRETS, SECRET, activate_networks
from trials.demo.population import Habit, Visit
from trials.demo.report import Report

# Before the last of these windows the moderators went home.
WINDOWS_UNREVIEWED = 20
RING_SIZE = 5
RING_PHONE = Signals(
    screen="412x915x2.6",
    timezone="Asia/Riyadh",
    language="ar",
    canvas="9c1185a5c5e9fc54",
    webgl="5f8a7c0b1d2e3f40",
)
MEMBERS = sql("SELECT count(*) AS members FROM users")


class NotEmptyError(RuntimeError):
    """Somebody lives there already."""


def demo_keep(population: int, days: int, seed: int, data_dir: Path, out: Path) -> int:
    """Fill an installation that has no members yet. Return the exit status."""
    console = Console()
    given = os.environ.get
    try:
        with (
            calm(),
            local_servers(
                data_dir,
                report=console.print,
                database_url=given("DATABASE_URL"),
                redis_url=given("REDIS_URL"),
            ) as servers,
        ):
            config, password = _kept(servers, data_dir)
            report = asyncio.run(_fill(config, console, (population, days, seed), password))
    except (ServerError, NotEmptyError) as error:
        console.print(f"[red]demo: {error}[/red]")
        return 1
    status = conclude(console, report, out)
    console.print(
        f"It stays in {data_dir}. Next: ./run, then sign in as {DEMO_EMAIL} with the password that "
        f"it shows; and ./run admin grant {DEMO_EMAIL} superadmin opens /console to that account."
    )
    return status


def _kept(servers: Servers, data_dir: Path) -> tuple[Config, str]:
    """The settings with which `./run` will go on, but for what plays the outside world; and the
    password of the one who can sign in."""
    env = environment(os.environ, servers, data_dir, "production", Ports(8000, 8100, 9181))
    config = replace(
        load_config(env, signs=True),
        house_secrets=(SECRET,),
        network_secrets=NETWORK_SECRETS,
        captcha=CaptchaConfig("local", "", "", "", ""),
        has_limits=False,  # everybody asks from one address
    )
    return config, env["TWTC_DEMO_PASSWORD"]


def first_day(now: datetime, days: int) -> tuple[datetime, int]:
    """When the first of so many days before today begins, and how many windows there are until the
    last sessions are over by now."""
    start = datetime.combine(utc_day(now) - timedelta(days=days), time(), UTC)
    return start, (now - timedelta(hours=LAST_HOURS) - start) // WINDOW


async def _fill(
    config: Config, console: Console, size: tuple[int, int, int], password: str
) -> Report:
    population, days, seed = size
    await migrate(config.database_url)
    await _refuse_members(config)
    start, windows = first_day(utcnow(), days)
    await prepare(config, start)
    hashed = await hash_password(password)
    async with open_lifetime(config, seed, start) as lifetime:
        await lifetime.sign_up(population, (DEMO_EMAIL, hashed))
        reviewed = max(0, windows - WINDOWS_UNREVIEWED)
        await live_through(lifetime, console, windows, reviewed)
        await _share_a_phone(lifetime, start + WINDOW * windows + timedelta(hours=LAST_HOURS))
        report = await look_back(lifetime, days)
        await activate_networks(lifetime.services.database, outside=False)
        return report


async def _refuse_members(config: Config) -> None:
    database = open_database(config.database_url, pool_size=1, application_name="twtc-demo")
    try:
        async with connected(database) as connection:
            [found] = await rows(connection, MEMBERS)
    finally:
        await database.dispose()
    if found.members:
        raise NotEmptyError(
            f"{found.members:,} members live there. Choose an empty folder with --data, or move "
            "that one away."
        )


async def _share_a_phone(lifetime: Lifetime, at: datetime) -> None:
    body = msgspec.json.encode(RING_PHONE)
    for person in lifetime.people[1 : 1 + RING_SIZE]:
        visit = Visit(person.number, at, Habit.GOOD, False, False, False, False)
        await lifetime.request(visit, "POST", "/v1/me/device", person.number, None, body)
    await lifetime.drain_all(at + timedelta(minutes=1))
