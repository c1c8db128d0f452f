"""PostgreSQL servers of a test's own, with the commands of docs/backup.md: a primary, a standby."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.base.db import Database, open_database
from ops.local.daemon import free_port
from ops.local.postgres import find_postgres
from ops.local.unprivileged import choose_runner
from tests.kit.processes import until
from tests.kit.programs import program
from tests.kit.root import ROOT

BIN = find_postgres().home / "bin"
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
shared_buffers = '32MB'
"""


def written(name: str) -> str:
    """A block of docs/backup.md."""
    found = re.search(
        rf"<!-- rehearsed: {name} -->\n```\w*\n(.*?)```",
        (ROOT / "docs/backup.md").read_text(),
        re.DOTALL,
    )
    assert found, name
    return found[1]


def execute(name: str, **variables: object) -> None:
    """Run a block of docs/backup.md."""
    env = {name: str(value) for name, value in variables.items()}
    path = f"{BIN}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-euc", written(name)],
        env=os.environ | env | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


class Server:
    """One of them, with a log archive."""

    def __init__(self, folder: Path, archive: Path) -> None:
        self.folder, self.data, self.archive = folder, folder / "data", archive
        folder.mkdir()
        archive.mkdir(exist_ok=True)
        self.runner = choose_runner(folder, BIN / "postgres")
        self.port = free_port()
        self.url = f"postgresql://twtc@127.0.0.1:{self.port}/postgres"

    def found(self) -> None:
        """Make the data folder."""
        self.runner.give(self.folder)
        self.runner.give(self.archive)
        initdb = [BIN / "initdb", "-D", self.data, "--username=twtc", "--auth=trust", "--no-sync"]
        command = [*self.runner.prefix, *map(str, initdb)]
        options = self.runner.options()
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **options)
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS + written("archive").replace("ARCHIVE", str(self.archive)))

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Run the server until the end of the context."""
        command: list[str | Path] = [BIN / "postgres", "-D", self.data, "-p", str(self.port)]
        ready: list[str | Path] = [
            BIN / "pg_isready",
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
        ]
        with program(command, self.folder, self.port, runner=self.runner):
            until(lambda: subprocess.run(ready, check=False).returncode == 0, "the server")
            yield

    @property
    def pid(self) -> int:
        """Of its postmaster, while it runs."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def database(self) -> Database:
        """A pool on it, whether it can be written to or not."""
        return open_database(
            f"{self.url}?target_session_attrs=any", pool_size=8, application_name="test"
        )


def standby_of(primary: Server, tmp_path: Path) -> Server:
    """A copy of a running primary that follows it once it is started."""
    standby = Server(tmp_path / "standby", primary.archive)
    copy = [BIN / "pg_basebackup", "-d", primary.url, "-D", standby.data, "-R", "-c", "fast"]
    subprocess.run([*map(str, copy)], check=True, capture_output=True)
    return standby
