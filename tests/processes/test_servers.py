"""The embedded servers: they serve, they end with their owner, and their data outlives both."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from ops.local.guard import is_alive
from ops.local.secret_file import load_secrets
from ops.local.servers import DataInUseError, Servers, local_servers
from tests.kit.root import ROOT

# Only with a pidfd can a test wait, without polling, for the end of a process that is no child of
# its own. Elsewhere (macOS) the servers run by the same code, and `./run test` itself starts them.
pytestmark = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"),
    reason="needs Linux's pidfd_open; elsewhere `./run test` itself starts the same servers",
)

DEADLINE_SECONDS = 20
OWNER = """
import sys
from pathlib import Path
from ops.local.servers import local_servers
with local_servers(Path(sys.argv[1]), report=lambda line: None) as servers:
    print(servers.database_url, servers.redis_url, flush=True)
    sys.stdin.read()
"""


@contextmanager
def servers_on(folder: Path) -> Iterator[Servers]:
    with local_servers(folder, durable=False, report=lambda line: None) as servers:
        yield servers


@contextmanager
def owner_of(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Servers]]:
    """Another process that runs durable servers on the folder."""
    command = [sys.executable, "-c", OWNER, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        database_url, redis_url = process.stdout.readline().split()
        yield process, Servers(database_url, redis_url)


def ask(servers: Servers, *statements: str) -> object:
    """The single value of the last statement, asked with the application's own role."""

    async def run() -> object:
        connection = await asyncpg.connect(servers.database_url)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(run())


def server_pids(folder: Path) -> list[int]:
    files = (folder / "postgres" / "postmaster.pid", folder / "valkey" / "valkey.pid")
    return [int(path.read_text().split()[0]) for path in files]


@contextmanager
def ends(*pids: int) -> Iterator[None]:
    """Within the context something must make these processes end."""
    files = [os.pidfd_open(pid) for pid in pids]
    try:
        yield
        for file in files:
            readable, _, _ = select.select([file], [], [], DEADLINE_SECONDS)
            assert readable
    finally:
        for file in files:
            os.close(file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose path has a space; made once, since making it takes longest."""
    folder = tmp_path_factory.mktemp("servers") / "with a space"
    with servers_on(folder):
        pass
    return folder


def test_the_role_may_create_databases_and_nothing_more(folder: Path) -> None:
    with servers_on(folder) as servers:
        assert ask(servers, "CREATE DATABASE another", "SELECT current_user") == "twtc"
        rights = "SELECT rolcreatedb AND NOT rolsuper AND NOT rolcreaterole FROM pg_roles"
        assert ask(servers, f"{rights} WHERE rolname = current_user") is True
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            ask(servers, "COPY (SELECT 1) TO PROGRAM 'cat'", "SELECT 1")


def test_both_servers_ask_for_a_password(folder: Path) -> None:
    with servers_on(folder) as servers:
        wrong = load_secrets(folder / "wrong.json", {"password": 24})["password"]
        right = load_secrets(folder / "servers.json", {"postgresql": 24, "valkey": 24})
        with pytest.raises(asyncpg.InvalidPasswordError):
            url = servers.database_url.replace(right["postgresql"], wrong)
            ask(Servers(url, servers.redis_url), "SELECT 1")
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            url = servers.database_url.replace("//twtc:", "//postgres:")
            ask(Servers(url, servers.redis_url), "SELECT 1")
        url = servers.redis_url.replace(right["valkey"], wrong)
        with Redis.from_url(url) as client, pytest.raises(AuthenticationError):
            client.ping()
    assert (folder / "servers.json").stat().st_mode & 0o777 == 0o600


def test_a_new_password_file_lets_the_role_in_again(folder: Path) -> None:
    (folder / "servers.json").unlink()
    with servers_on(folder) as servers:
        assert ask(servers, "SELECT 1") == 1


def test_data_outlives_a_killed_owner_and_its_servers_do_not(folder: Path) -> None:
    with owner_of(folder) as (owner, servers):
        ask(servers, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n")
        with Redis.from_url(servers.redis_url) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            client.set("kept", "7")
        pids = server_pids(folder)
        with ends(*pids):
            owner.kill()
    with owner_of(folder) as (_, servers):
        assert ask(servers, "SELECT n FROM kept") == 7
        with Redis.from_url(servers.redis_url, decode_responses=True) as client:
            assert client.get("kept") == "7"


def test_a_server_that_dies_is_started_again_at_its_address(folder: Path) -> None:
    with local_servers(folder, report=lambda line: None) as servers:
        assert servers.tend() == []
        ask(servers, "DROP TABLE IF EXISTS kept", "CREATE TABLE kept AS SELECT 7 AS n", "SELECT 1")
        for pid in server_pids(folder):
            with ends(pid):
                os.kill(pid, signal.SIGKILL)
        assert servers.tend() == ["PostgreSQL", "Valkey"]
        assert ask(servers, "SELECT n FROM kept") == 7
        with Redis.from_url(servers.redis_url) as client:
            assert client.ping()


def test_servers_that_lost_owner_and_guard_are_stopped_by_the_next_owner(folder: Path) -> None:
    with owner_of(folder) as (owner, _):
        pids = server_pids(folder)
        children = Path(f"/proc/{owner.pid}/task/{owner.pid}/children")
        if not children.exists():
            pytest.skip("this system does not list the children of a process")
        for pid in {int(pid) for pid in children.read_text().split()} - set(pids):
            os.kill(pid, signal.SIGKILL)
        owner.kill()
    with servers_on(folder) as servers:
        assert not any(is_alive(pid) for pid in pids)
        assert ask(servers, "SELECT 1") == 1


def test_a_killed_postgresql_recovers_although_its_lock_names_a_living_process(
    folder: Path,
) -> None:
    lock = folder / "postgres" / "postmaster.pid"
    with owner_of(folder) as (owner, servers):
        ask(
            servers,
            "CREATE TABLE recovered (n int)",
            "INSERT INTO recovered VALUES (1) RETURNING n",
        )
        pids = server_pids(folder)
        with ends(pids[0]):
            os.kill(pids[0], signal.SIGKILL)
        with ends(pids[1]):
            owner.kill()
    lines = lock.read_text().splitlines()
    lock.write_text("\n".join(["1", *lines[1:]]) + "\n")
    with servers_on(folder) as servers:
        assert ask(servers, "SELECT n FROM recovered") == 1


def test_a_second_owner_is_refused(folder: Path) -> None:
    with servers_on(folder) as servers:
        refused = pytest.raises(DataInUseError, match=f"process {os.getpid()}")
        with refused, servers_on(folder):
            pass
        assert ask(servers, "SELECT 1") == 1


def test_given_addresses_are_used_instead(tmp_path: Path) -> None:
    given = Servers("postgresql://elsewhere/twtc", "redis://elsewhere/0")
    with local_servers(
        tmp_path,
        report=lambda line: None,
        database_url=given.database_url,
        redis_url=given.redis_url,
    ) as servers:
        assert servers == given
    assert not list(tmp_path.iterdir())
