"""RabbitMQ as the broker: a URL, and the real server where the machine has it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from models.bells import Bells, open_broker
from models.config import Config
from models.queue import Piece
from tests.processes import Processes, free_port, running
from tests.programs import find_program, program
from tests.test_processes import Phone

SERVER = find_program("rabbitmq-server")


@pytest.fixture
def broker_url(tmp_path: Path) -> Iterator[str]:
    """RABBITMQ_URL, or a server of the test's own."""
    if given := os.environ.get("RABBITMQ_URL"):
        yield given
        return
    if SERVER is None:
        pytest.skip("needs RABBITMQ_URL or rabbitmq-server")
    folder = tmp_path / "rabbitmq"
    folder.mkdir()
    port, names_port = free_port(), free_port()
    env = {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(names_port),
        "RABBITMQ_NODENAME": f"twtc{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_BASE": str(folder),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
    }
    # Erlang's name server would outlive the test if the broker started it.
    name_server = find_program("epmd")
    assert name_server is not None
    names: list[str | Path] = [name_server, "-port", str(names_port)]
    with (
        program(names, folder, names_port, stop=signal.SIGKILL),
        program([SERVER], folder, port, env=env, stop=signal.SIGKILL),
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
