"""Programs that the suite tests against where the machine has them: poolers, brokers, standbys."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ops.local.unprivileged import Runner, choose_runner
from tests.kit.processes import until


def find_program(name: str) -> Path | None:
    """From the PATH or the folders of system services, which are not on everybody's PATH."""
    # Debian's own script for RabbitMQ insists on a user of its own.
    found = shutil.which(name, path=f"/usr/lib/rabbitmq/bin:{os.environ.get('PATH', '')}:/usr/sbin")
    return Path(found) if found else None


def is_listening(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def program(
    command: Sequence[str | Path],
    folder: Path,
    port: int,
    *,
    env: Mapping[str, str] | None = None,
    stop: signal.Signals = signal.SIGINT,
    runner: Runner | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server that refuses to be root, in `folder`, until the context ends."""
    runner = runner or choose_runner(folder, Path(command[0]))
    runner.give(folder)
    log = folder / "output.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*runner.prefix, *map(str, command)],
            cwd=folder,
            env=os.environ | dict(env or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **runner.options(),
        )
    try:
        try:
            until(lambda: process.poll() is not None or is_listening(port), f"{command[0]}", 90)
            assert process.poll() is None
        except AssertionError as error:
            raise AssertionError(log.read_text(errors="replace")[-3000:]) from error
        yield process
    finally:
        for number in (stop, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
                break
