"""The attackers of `./run bench abuse` are what they say: many, of every kind, and cheap."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from benchmarks.abuse_attackers import Attackers
from runtime.environment import Config
from tests.kit.processes import Processes, running, until
from tests.kit.root import ROOT

SECONDS_MAX = 240
KINDS = {"shout", "nonsense", "bodies", "sign_in", "cookie", "silent connection", "streams"}


@pytest.fixture
def web(config: Config) -> Iterator[Processes]:
    """A web process by itself."""
    with running(Processes(config, {}), "web") as started:
        yield started


async def test_they_attack_in_every_way_from_a_tenth_of_a_core(web: Processes) -> None:
    attackers = Attackers(web.port, seconds=SECONDS_MAX)
    attack = asyncio.create_task(attackers.attack())
    async with asyncio.timeout(SECONDS_MAX):
        while not attackers.done.keys() >= KINDS:
            await asyncio.wait([attack], timeout=0.1)
    share = attackers.share
    attack.cancel()
    await asyncio.wait([attack])
    assert share < 0.12
    until(web.is_up, "the process after they have hung up")


def test_the_benchmark_ends_with_its_figures() -> None:
    command = [sys.executable, "-m", "ops.cli", "bench", "abuse", "--seconds", "4"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS_MAX, check=True
    )
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    assert {"p95_ratio", "errors_5xx", "health_ms_max"} <= figures.keys()
    assert figures["p95_ratio"] > 0 and figures["health_ms_max"] > 0
    assert "% of one core" in done.stdout
