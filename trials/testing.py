"""`twtc test`: the test suite on servers of its own."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from ops.local.daemon import ServerError
from ops.local.guard import Guard
from ops.local.screen import Screen
from ops.local.servers import Servers, local_servers
from ops.local.up import UpError, next_database
from runtime.environment import ConfigError, postgresql_url

ROOT = Path(__file__).resolve().parent.parent
# A database is hundreds of small files: those of tests need no disk, but a folder of their own.
MEMORY = Path("/dev/shm")  # noqa: S108
MEMORY_BYTES_MIN = 4 * 2**30
# Four on two cores: many tests wait for processes.
PARALLEL = ("-n", "4", "--dist", "worksteal")
NEEDED = ("pytest", "pytest_asyncio", "xdist", "hypothesis", "freezegun")
# Pytest in one process: chosen by the user, or needed for a debugger.
ALONE = ("-n", "--numprocesses", "no:xdist", "-pno:xdist", "--pdb", "--trace")
STATUS_UNUSABLE = 4  # pytest's own for wrong usage


def test(arguments: Sequence[str]) -> int:
    """Run pytest with `arguments` on fresh servers. Return its exit status."""
    screen = Screen(sys.stderr)
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing or not (ROOT / "tests").is_dir():
        lacking = f"packages {', '.join(missing)}" if missing else f"folder {ROOT / 'tests'}"
        screen.problem(f"Without the {lacking} nothing can be tested: use a checkout and `uv sync`")
        return STATUS_UNUSABLE
    try:
        with (
            tempfile.TemporaryDirectory(
                prefix="twtc-test-", dir=_in_memory(), ignore_cleanup_errors=True
            ) as folder,
            local_servers(
                Path(folder),
                durable=False,
                report=screen.step,
                database_url=os.environ.get("TEST_DATABASE_URL"),
                redis_url=os.environ.get("TEST_REDIS_URL"),
            ) as servers,
            Guard() as guard,
        ):
            return _pytest(arguments, _environment(os.environ, servers), guard)
    except (ServerError, UpError, ConfigError) as error:
        screen.problem(str(error))
        return STATUS_UNUSABLE


def _in_memory() -> Path | None:
    """Where files live in memory, if there is room for them."""
    is_there = MEMORY.is_dir() and os.access(MEMORY, os.W_OK)
    has_room = is_there and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
    return MEMORY if has_room else None


def _environment(given: Mapping[str, str], servers: Servers) -> dict[str, str]:
    # The settings of the person who runs the tests must not change their outcome.
    kept = {name: value for name, value in given.items() if not name.startswith("TWTC_")}
    return kept | {
        "DATABASE_URL": postgresql_url(servers.database_url),
        "REDIS_URL": servers.redis_url,
        "BROKER_URL": next_database(servers.redis_url),
    }


def _pytest(arguments: Sequence[str], env: Mapping[str, str], guard: Guard) -> int:
    # A cluster has one database for all of them.
    is_alone = bool(env.get("CITUS_URL")) or any(part.startswith(ALONE) for part in arguments)
    parallel = () if is_alone else PARALLEL
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "pytest", *parallel, *arguments], cwd=ROOT, env=dict(env)
    )
    guard.watch(process.pid, signal.SIGKILL)

    def pass_on(number: int, frame: FrameType | None) -> None:
        # Ctrl-C reaches pytest from the terminal; twice would cut its clean-up short.
        if number != signal.SIGINT and process.poll() is None:
            process.send_signal(signal.SIGINT)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    status = process.wait()
    guard.forget(process.pid)
    return status if status >= 0 else 128 - status
