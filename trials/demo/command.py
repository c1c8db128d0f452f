"""`./run demo`: a population lives some days in about a minute, and the books are checked.

Real API handlers, real workers, real PostgreSQL and Valkey, on a simulated clock. The servers are
its own, or the empty ones of DATABASE_URL and REDIS_URL.
"""

import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.app import create_app
from api.web_base.services import open_services
from engine.core.timeline import PRODUCTION
from models.base.db import open_database, transaction
from models.content.library import seed_films
from models.operations.invariants import audit, audit_globally
from models.schema.migrate import migrate
from models.schema.seed import seed as seed_settings
from ops.local.daemon import ServerError
from ops.local.servers import Servers, local_servers
from runtime import clock
from runtime.clock import utcnow
from runtime.environment import CaptchaConfig, Config, ConfigError, postgresql_url
from runtime.pii import Keyring
from trials.demo.lifetime import (
    START,
    WINDOW,
    InProcessBells,
    Lifetime,
    now_of_task,
    random_of_task,
)
from trials.demo.networks import NETWORK_SECRETS, SECRET, activate_networks, google
from trials.demo.report import Report, collect_report, print_report, write_svg
from trials.given import check_unused, given_servers

# The clock process wakes this often here: the watermark makes up for the ticks between, to the
# micro-TWTC, and the demo stays at about a minute.
WINDOWS_BETWEEN_WAKES = 10
# So long the last sessions take to end and to be settled.
LAST_HOURS = 5


def demo(population: int = 2000, days: int = 3, seed: int = 1, out: Path = Path("out")) -> int:
    """Run the demo. Return 0 if the books are right and the load is flat, else 1."""
    console = Console()
    try:
        given = given_servers(os.environ)
        with (
            calm(),
            tempfile.TemporaryDirectory(prefix="twtc-demo-") as folder,
            local_servers(
                Path(folder),
                durable=False,
                report=console.print,
                database_url=given.database_url,
                redis_url=given.redis_url,
            ) as servers,
        ):
            check_unused(given, servers)
            config = config_for(servers, given.broker_url)
            report = asyncio.run(live(config, console, population, days, seed))
    except (ConfigError, ServerError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    return conclude(console, report, out)


@contextmanager
def calm() -> Iterator[None]:
    """Work is overdue between two wakes of the clock; what breaks an invariant is still said."""
    loggers = [logging.getLogger(name) for name in ("workers.operations", "workers.alerting")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def conclude(console: Console, report: Report, out: Path) -> int:
    """Print what came of it. Return the exit status."""
    print_report(console, report)
    picture = write_svg(report, out / "demo-load.svg")
    console.print(f"load curve: {picture}")
    verdict = "clean" if not report.violations else report.violations
    print(
        msgspec.json.encode(
            {"peak_over_mean": round(report.peak_over_mean, 4), "audit": verdict}
        ).decode()
    )
    return 0 if not report.violations else 1


def config_for(servers: Servers, broker_url: str = "") -> Config:
    """A simulated installation's settings on these servers."""
    return Config(
        database_url=postgresql_url(servers.database_url),
        redis_url=servers.redis_url,
        broker_url=broker_url or servers.redis_url,
        secret=SECRET,
        house_secrets=(SECRET,),
        network_secrets=NETWORK_SECRETS,
        partner_url="http://127.0.0.1:8100",
        keyring=Keyring((SECRET,), SECRET),
        captcha=CaptchaConfig("local", "", "", "", ""),
        has_limits=False,  # everybody asks from one address
    )


async def live(config: Config, console: Console, population: int, days: int, seed: int) -> Report:
    """Let a population live some days in an empty database. Return what came of it."""
    await prepare(config, START)
    windows = days * int(timedelta(days=1) / WINDOW)
    async with open_lifetime(config, seed) as lifetime:
        await lifetime.sign_up(population)
        await live_through(lifetime, console, windows)
        return await look_back(lifetime, days)


async def prepare(config: Config, start: datetime) -> None:
    """Migrate and seed an empty database, for people who come from `start` on."""
    await migrate(config.database_url)
    database = open_database(config.database_url, pool_size=1, application_name="twtc-demo")
    await seed_settings(database, PRODUCTION, start - timedelta(hours=4))
    await activate_networks(database)
    async with transaction(database) as connection:
        await seed_films(connection)
    await database.dispose()


async def look_back(lifetime: Lifetime, days: int) -> Report:
    """Check the books, and read the figures."""
    database = lifetime.services.database
    broken = [*await audit(database), *await audit_globally(database, utcnow())]
    violations = [violation.invariant for violation in broken]
    counts = (lifetime.requests, lifetime.captchas, lifetime.turned_away)
    return await collect_report(database, lifetime.start, days, counts, violations)


@asynccontextmanager
async def open_lifetime(
    config: Config, seed: int, start: datetime = START
) -> AsyncIterator[Lifetime]:
    """A seeded installation on a simulated clock, with the ad networks' counterparts."""
    bells, app = InProcessBells(), create_app(config)
    with clock.use(now_of_task.get, lambda bits: random_of_task.get().getrandbits(bits)):
        async with open_services(config, bells, google()) as services:
            app.state.services = services
            yield Lifetime(services, app, bells, seed, start)


async def live_through(
    lifetime: Lifetime, console: Console, windows: int, reviewed: int | None = None
) -> None:
    """Let everybody live through so many windows, and the last sessions end.

    Moderators work during the first `reviewed` of them, by default during all.
    """
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("begins", total=windows)
        for number in range(windows):
            opens_at = lifetime.start + WINDOW * number
            progress.update(bar, description=f"{opens_at:%a %d %b %H:%M}")
            if number % WINDOWS_BETWEEN_WAKES == 0:
                await lifetime.wake_clock(opens_at)
            lifetime.has_moderators = reviewed is None or number < reviewed
            await lifetime.live(opens_at)
            progress.advance(bar)
        # Everybody stops; the last sessions end and are settled.
        end = lifetime.start + WINDOW * windows
        progress.update(bar, description="the last sessions end")
        for hours in range(1, LAST_HOURS + 1):
            await lifetime.wake_clock(end + timedelta(hours=hours))
