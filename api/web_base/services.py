"""What the handlers work with: opened when the process starts, closed when it stops."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from functools import partial

import httpx
from litestar import Litestar
from litestar.datastructures import State
from msgspec import Struct
from redis.asyncio import BlockingConnectionPool, Redis

from api.captcha import open_captcha
from api.captcha.contract import Captcha
from api.messages.senders import Messenger, open_messenger
from api.networks import Network, networks
from api.poll.held import HeldCopies
from api.poll.open_streams import Streams
from api.web_base.admission import Admission
from api.web_base.background import Background
from api.web_base.shelf import Shelf
from models.base.db import Database, open_database
from models.base.replica import Replica, open_replica
from models.content.catalogue import Catalogue
from models.content.videos import CatalogueVideo, read_catalogue
from models.installation.configuration import Configurations
from models.installation.settings import Installation, load_installation
from models.mining.snapshots import SnapshotCopies
from models.operations.facts import SoFar, count_today
from models.operations.request_counts import RequestCounts
from runtime.broker.bells import SOCKET_TIMEOUT_SECONDS, Bells, open_broker
from runtime.environment import Config
from runtime.http_client import open_http
from runtime.limiter import Limiter, Tally
from runtime.telemetry import traces
from runtime.telemetry.meter import meter
from runtime.telemetry.metrics import POLL_ANSWERS, STREAMS_OPEN
from runtime.telemetry.pulse import beating
from runtime.telemetry.siblings import Siblings

POOL_SIZE = 10
REDIS_POOL_SIZE = 32
VIDEOS_KEPT = timedelta(seconds=30)
TODAY_KEPT = timedelta(minutes=1)


class Services(Struct, frozen=True):
    """One per process."""

    config: Config
    database: Database
    redis: Redis
    installation: Installation
    copies: SnapshotCopies
    held: HeldCopies
    bells: Bells
    networks: Mapping[str, Network]
    catalogue: Catalogue
    configurations: Configurations
    videos: Shelf[Sequence[CatalogueVideo]]
    today: Shelf[SoFar]
    messenger: Messenger
    captcha: Captcha | None
    limiter: Limiter
    tally: Tally
    http: httpx.AsyncClient
    counts: RequestCounts
    streams: Streams
    admission: Admission
    background: Background
    siblings: Siblings
    replica: Replica | None = None

    @property
    def reading(self) -> Database:
        """For histories and figures, which may be a moment behind (decision 0040)."""
        return self.replica or self.database


@asynccontextmanager
async def open_services(
    config: Config, bells: Bells | None = None, http: httpx.AsyncClient | None = None
) -> AsyncIterator[Services]:
    """Connect, read the installation's settings, and close everything at the end.

    A simulation hears the bells itself and plays the outside world; otherwise bells ring at the
    broker, and vendors are asked.
    """
    database = open_database(config.database_url, pool_size=POOL_SIZE, application_name="twtc-web")
    redis = _open_redis(config.redis_url)
    bells = bells or Bells(open_broker(config.broker_url, []), config.redis_url)
    http, background = http or open_http(5), Background()
    try:
        installation = await load_installation(database)
        copies = SnapshotCopies(redis, installation.id)
        held = HeldCopies(copies, config.redis_url)
        limiter = Limiter(config.redis_url, f"twtc:{installation.id}")
        async with held.feed, aclosing(limiter), _replica(config, database) as replica:
            yield Services(
                config=config,
                database=database,
                redis=redis,
                installation=installation,
                copies=copies,
                held=held,
                bells=bells,
                networks=networks(config, database, http),
                catalogue=Catalogue(database),
                configurations=Configurations(database),
                videos=Shelf(lambda _: read_catalogue(database), VIDEOS_KEPT),
                today=Shelf(partial(count_today, replica or database), TODAY_KEPT),
                messenger=open_messenger(config),
                captcha=open_captcha(config, http),
                limiter=limiter,
                tally=Tally(),
                http=http,
                counts=RequestCounts(),
                streams=Streams(),
                siblings=Siblings("web", config.database_url),
                admission=Admission(),
                background=background,
                replica=replica,
            )
    finally:
        await background.aclose()
        await bells.close()
        await http.aclose()
        await redis.aclose()
        await database.dispose()


def _open_redis(url: str) -> Redis:
    # Who comes when all connections are taken waits; the default pool raises, and PostgreSQL would
    # be asked instead, just when there is the most to do.
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=REDIS_POOL_SIZE,
        timeout=SOCKET_TIMEOUT_SECONDS,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
    )
    return Redis.from_pool(pool)


@asynccontextmanager
async def _replica(config: Config, primary: Database) -> AsyncIterator[Replica | None]:
    if not config.database_read_url:
        yield None
        return
    name, url = "twtc-web-reads", config.database_read_url
    replica = open_replica(url, pool_size=POOL_SIZE, application_name=name, primary=primary)
    yield replica
    await replica.dispose()


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Keep the services in the application's state while it runs."""
    async with open_services(app.state.config) as services:
        app.state.services = services
        async with (
            services.counts.adding_up(services.database),
            services.admission.watching(),
            beating(services.siblings, services.database, partial(_gather, services)),
        ):
            yield
            services.streams.close()
    traces.close()


def _gather(services: Services) -> None:
    """Take over what is counted where every microsecond tells, and what is as it is now."""
    meter.count(POLL_ANSWERS, "held", by=services.held.take_hits())
    meter.set(STREAMS_OPEN, len(services.streams))


def provide_services(state: State) -> Services:
    """The process's services, as a dependency of handlers."""
    services: Services = state.services
    return services
