"""RabbitMQ as the broker: a URL, and the real server."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import dramatiq
import pytest
from msgspec.structs import replace

from engine.core.piece import Piece
from runtime.broker.bells import QUEUES, Bells, bell, open_broker
from runtime.broker.presence import Presence
from runtime.environment import Config
from tests.kit.needed import needed_server
from tests.kit.phone import Phone
from tests.kit.processes import Processes, free_port, running, until
from tests.kit.programs import program
from trials.chaos.proxy import Mode, Proxy, proxy_of

# Nothing but the server: no management, no other listeners, and no schedulers that spin.
SETTINGS = "listeners.tcp.local = 127.0.0.1:{port}\ncluster_name = twtc\n"


@pytest.fixture(scope="session")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """RABBITMQ_URL, or a server of this test process's own."""
    if given := os.environ.get("RABBITMQ_URL"):
        yield given
        return
    server = needed_server("rabbitmq-server", "rabbitmq-server")
    folder = tmp_path_factory.mktemp("rabbitmq")
    port, names_port = free_port(), free_port()
    (folder / "rabbitmq.conf").write_text(SETTINGS.format(port=port))
    env = {
        "HOME": str(folder),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(names_port),
        "RABBITMQ_NODENAME": f"twtc{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none"
        ),
        "RABBITMQ_BASE": str(folder),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
    }
    # Erlang's name server would outlive the test if the broker started it.
    name_server = needed_server("epmd", "erlang-base")
    names: list[str | Path] = [name_server, "-address", "127.0.0.1", "-port", str(names_port)]
    with (
        program(names, folder, names_port, stop=signal.SIGKILL),
        program([server], folder, port, env=env, stop=signal.SIGKILL),
    ):
        yield f"amqp://guest:guest@127.0.0.1:{port}/%2F"


def test_bells_ring_through_rabbitmq(broker_url: str, config: Config) -> None:
    """Without a clock nobody else would ring: the bell itself has brought the worker."""
    processes = Processes(replace(config, broker_url=broker_url), {}, {"TWTC_DASHBOARD": "off"})
    with running(processes, "web", "worker"):
        phone = Phone(processes)
        for key in ("first", "second"):
            outcome = phone.outcome(phone.send("/v1/mining/sessions", key))
            assert outcome["status"] in ("APPLIED", "REJECTED")
        phone.http.close()


async def test_nothing_breaks_while_rabbitmq_is_away(config: Config) -> None:
    bells = Bells(open_broker(f"amqp://127.0.0.1:{free_port()}", []), config.redis_url)
    await bells.ring(Piece(1, 1))
    await bells.close()


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[tuple[dramatiq.Broker, set[int]]]:
    """A worker's threads on every queue, and the buckets that bells have brought it."""
    broker, drained = open_broker(url, []), set[int]()

    @dramatiq.actor(actor_name="drain", queue_name=QUEUES[0], broker=broker)
    def drain(group_number: int, bucket: int) -> None:
        drained.add(bucket)

    worker = dramatiq.Worker(broker, worker_threads=1, worker_timeout=50)
    worker.start()
    try:
        yield broker, drained
    finally:
        await asyncio.to_thread(worker.stop)
        broker.close()


async def until_so(look: Callable[[], bool], what: str) -> None:
    """Let the proxy and the worker's threads work until something is so."""
    await asyncio.to_thread(until, look, what)


def has_tried(proxy: Proxy, times: int) -> bool:
    return proxy.tries > times


def test_a_consumer_that_notices_late_says_nothing_anew(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    presence = Presence()
    for _ in range(3):
        presence.lost("one", "refused")
        presence.lost("two", "refused")
    presence.found("one")
    presence.found("two")
    presence.lost("three", "reset")
    presence.found("three")
    assert [message.partition(",")[0] for message in caplog.messages] == [
        "the broker is away",
        "the broker is back after 0 s",
    ]
    presence.lost("three", "reset")
    presence.lost("three", "refused")
    assert len(caplog.messages) == 3


@pytest.mark.parametrize("kind", ["rabbitmq", "redis"])
async def test_it_is_said_once_that_the_broker_is_away_and_once_that_it_is_back(
    kind: str,
    request: pytest.FixtureRequest,
    config: Config,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many consumers there are, and however often they try."""
    monkeypatch.setattr("dramatiq.worker.CONSUMER_RESTART_DELAY_SECS", 0.05)
    caplog.set_level(logging.INFO)
    own = request.getfixturevalue("broker_url") if kind == "rabbitmq" else config.broker_url
    async with proxy_of(own, seed=1) as proxy:
        async with listening(proxy.before(own)) as (broker, drained):
            for turn in (1, 2):
                await asyncio.to_thread(broker.enqueue, bell(Piece(1, turn)))
                await until_so(partial(drained.__contains__, turn), "the bell")
                caplog.clear()
                tries = proxy.tries + 10 * len(QUEUES)
                proxy.mode = Mode.REFUSE
                await until_so(partial(has_tried, proxy, tries), "the consumers")
                [line] = caplog.messages
                assert "the broker is away" in line
                proxy.mode = Mode.PASS
                await until_so(lambda: len(caplog.messages) > 1, "word of its return")
                assert "the broker is back" in caplog.messages[1]
        assert len([line for line in caplog.messages if "the broker is" in line]) == 2
