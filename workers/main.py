"""The worker process: `dramatiq workers.main`.

It drains pieces when their bells ring. Which queues it listens to is dramatiq's `--queues`.
"""

import asyncio
import logging
import os
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import dramatiq
from dramatiq.asyncio import get_event_loop_thread
from dramatiq.middleware import (
    AgeLimit,
    AsyncIO,
    Middleware,
    Retries,
    ShutdownNotifications,
    TimeLimit,
)
from redis.asyncio import Redis

from engine.core.piece import Lane, Piece
from models.base.db import open_database
from models.content.catalogue import Catalogue
from models.fraud.reputation import Places, Reputation
from models.installation.configuration import Configurations
from models.installation.settings import load_installation
from models.mining.snapshots import SnapshotCopies
from runtime.broker.bells import DRAIN_ACTOR, QUEUES, SOCKET_TIMEOUT_SECONDS, Bells, open_broker
from runtime.environment import Config, ConfigError, load_config
from runtime.garbage import keep_for_good
from runtime.telemetry import traces
from runtime.telemetry.endpoint import serve_metrics
from runtime.telemetry.logs import set_up_logs
from runtime.telemetry.pulse import beat
from runtime.telemetry.siblings import Siblings
from workers.alerting import open_channels
from workers.apply import drain
from workers.push.contract import Sender
from workers.push.fcm import Fcm, read_credentials
from workers.turns import Turns
from workers.videos import providers
from workers.workshop import Workshop

log = logging.getLogger(__name__)

DRAIN_SECONDS_MAX = 120
UPKEEP_SECONDS_MAX = 1800
RETRIES_MAX = 3
BACKOFF_MS_MIN = 1_000
BACKOFF_MS_MAX = 30_000


def open_sender(config: Config) -> Sender | None:
    """FCM, with the operator's credentials; without, phones are told nothing. It says so once."""
    if not config.fcm_credentials:
        log.info("TWTC_FCM_CREDENTIALS is not set: notifications stay in the inbox")
        return None
    return Fcm(read_credentials(Path(config.fcm_credentials)))


def open_projection(config: Config) -> list[Middleware]:
    """What tells the queue dashboard, unless it is off."""
    if not config.dashboard_url:
        return []
    try:
        from workers.dashboard.middleware import Projection
    except ModuleNotFoundError as error:
        raise ConfigError(f"{error}: install the group dashboard, or TWTC_DASHBOARD=off") from None
    return [Projection(config.dashboard_url)]


class Tools(Middleware):
    """One connection pool and one set of clients per worker process, on its event loop."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._shop: Workshop | None = None
        self._opening = asyncio.Lock()
        self.turns = Turns()
        self._siblings = Siblings("worker", config.database_url)
        self._beat: Future[None] | None = None
        self._sender = open_sender(config)

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Make the clients before a thread can consume; they connect when they are used."""
        self.bells = Bells(broker, self._config.redis_url)
        self.redis = Redis.from_url(
            self._config.redis_url,
            socket_timeout=SOCKET_TIMEOUT_SECONDS,
            socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
        )
        self.database = open_database(
            self._config.database_url,
            # Upkeep holds one connection while its work uses another.
            pool_size=worker.worker_threads + 2,
            application_name="twtc-worker",
        )
        loop = get_event_loop_thread()
        assert loop is not None  # AsyncIO comes first
        self._beat = asyncio.run_coroutine_threadsafe(
            beat(self._siblings, self.database), loop.loop
        )
        address, token = (
            self._config.telemetry.worker_address,
            self._config.telemetry.metrics_token,
        )
        if address is not None:
            serve_metrics(address, token, self._siblings)

    def after_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Close the connections while the event loop still runs."""
        loop = get_event_loop_thread()
        if loop is not None:
            loop.run_coroutine(self._close())

    async def workshop(self) -> Workshop:
        """What drains work with; the installation is read once."""
        async with self._opening:
            if self._shop is None:
                installation = await load_installation(self.database)
                copies = SnapshotCopies(self.redis, installation.id)
                catalogue = Catalogue(self.database)
                self._shop = Workshop(
                    self.database,
                    installation,
                    copies,
                    catalogue,
                    Configurations(self.database),
                    Reputation(),
                    Places(self._config.places_file),
                    self._config.ip_lists,
                    providers(self._config),
                    self._sender,
                    Path(self._config.archive_dir) if self._config.archive_dir else None,
                    open_channels(self._config),
                    self.bells,
                )
                keep_for_good()
        return self._shop

    async def _close(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
        self._siblings.leave()
        traces.close()
        if self._sender is not None:
            await self._sender.close()
        await self.redis.aclose()
        await self.database.dispose()


config = load_config()
set_up_logs("worker", config.telemetry.logs)
traces.set_up_traces("worker", os.environ)
tools = Tools(config)
broker = open_broker(
    config.broker_url,
    # AsyncIO first: hooks named `after_…` run in reverse, so its loop outlives the others.
    [
        AsyncIO(),
        tools,
        AgeLimit(),
        TimeLimit(time_limit=(UPKEEP_SECONDS_MAX + 30) * 1000),
        ShutdownNotifications(),
        Retries(max_retries=RETRIES_MAX, min_backoff=BACKOFF_MS_MIN, max_backoff=BACKOFF_MS_MAX),
        *open_projection(config),
    ],
)
dramatiq.set_broker(broker)


@dramatiq.actor(actor_name=DRAIN_ACTOR, queue_name=QUEUES[0])
async def drain_piece(group_number: int, bucket: int, **_options: Any) -> None:
    """Answer a bell: apply what is due in a piece."""
    piece = Piece(group_number, bucket)
    is_upkeep = group_number == Lane.UPKEEP
    async with asyncio.timeout(UPKEEP_SECONDS_MAX if is_upkeep else DRAIN_SECONDS_MAX):
        shop = await tools.workshop()
        await tools.bells.silence(piece)
        if group_number in (Lane.UPKEEP, Lane.ERRANDS):
            await drain(shop, piece)
            return
        async with tools.turns.turn(bucket) as is_ours:
            if is_ours:
                await drain(shop, piece)
