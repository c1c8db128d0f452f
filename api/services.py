"""What the handlers work with: opened when the process starts, closed when it stops."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager

import httpx
from litestar import Litestar
from litestar.datastructures import State
from msgspec import Struct
from redis.asyncio import Redis

from api.captcha import open_captcha
from api.captcha.contract import Captcha
from api.messages.senders import Messenger, open_messenger
from api.networks import Network, networks
from api.poll import HeldCopies
from api.shelf import Shelf
from models.bells import SOCKET_TIMEOUT_SECONDS, Bells, open_broker
from models.catalogue import Catalogue
from models.config import Config
from models.configuration import Configurations
from models.db import Database, open_database
from models.limiter import Limiter, Tally
from models.request_counts import RequestCounts
from models.settings import Installation, load_installation
from models.status import SnapshotCopies

POOL_SIZE = 10


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
    shelf: Shelf
    messenger: Messenger
    captcha: Captcha | None
    limiter: Limiter
    tally: Tally
    http: httpx.AsyncClient
    counts: RequestCounts


@asynccontextmanager
async def open_services(
    config: Config, bells: Bells | None = None, http: httpx.AsyncClient | None = None
) -> AsyncIterator[Services]:
    """Connect, read the installation's settings, and close everything at the end.

    A simulation hears the bells itself and plays the outside world; otherwise bells ring at the
    broker, and vendors are asked.
    """
    database = open_database(config.database_url, pool_size=POOL_SIZE, application_name="twtc-web")
    redis = Redis.from_url(
        config.redis_url,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
    )
    bells = bells or Bells(open_broker(config.broker_url, []), config.redis_url)
    http = http or httpx.AsyncClient(timeout=5)
    try:
        installation = await load_installation(database)
        copies = SnapshotCopies(redis, installation.id)
        held = HeldCopies(copies, config.redis_url)
        limiter = Limiter(config.redis_url, f"twtc:{installation.id}")
        async with held.feed, aclosing(limiter):
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
                shelf=Shelf(database),
                messenger=open_messenger(config),
                captcha=open_captcha(config, http),
                limiter=limiter,
                tally=Tally(),
                http=http,
                counts=RequestCounts(),
            )
    finally:
        await bells.close()
        await http.aclose()
        await redis.aclose()
        await database.dispose()


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Keep the services in the application's state while it runs."""
    async with open_services(app.state.config) as services:
        app.state.services = services
        async with services.counts.adding_up(services.database):
            yield


def provide_services(state: State) -> Services:
    """The process's services, as a dependency of handlers."""
    services: Services = state.services
    return services
