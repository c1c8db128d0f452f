"""The chaos run: a handful of faults on the real processes, and a verdict that misses nothing."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from msgspec.structs import replace
from redis import Redis

from ops.local.daemon import ServerError
from ops.local.guard import Guard
from ops.local.servers import Servers
from runtime.environment import Config, load_config
from tests.kit.processes import until
from tests.kit.root import ROOT
from tests.kit.sites import Server
from tests.kit.words import at
from tests.kit.world import World
from trials.chaos.client import Client, Tally, Wish
from trials.chaos.faults import faults
from trials.chaos.nodes import Node, NodeError
from trials.chaos.phone import Phone
from trials.chaos.proxy import Mode, Proxy
from trials.chaos.site import Site
from trials.chaos.verdict import Verdict, judge
from trials.given import Given, check_unused

SERVERS = ("DATABASE_URL", "REDIS_URL", "BROKER_URL")


def chaos(*options: str, **servers: str) -> subprocess.CompletedProcess[str]:
    """`twtc chaos`, on servers of its own but for those that are named."""
    env = {name: value for name, value in os.environ.items() if name not in SERVERS} | servers
    command = [sys.executable, "-m", "ops.cli", "chaos", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=env)


def test_a_handful_of_faults_loses_nothing() -> None:
    done = chaos("--faults", "4", "--phones", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["faults"], figures["lost"], figures["doubled"]) == (4, 0, 0)
    assert figures["audit"] == "clean"
    assert figures["acknowledged"] > 4


def test_what_is_in_use_is_left_alone(config: Config) -> None:
    """A trial fills its servers with made up members, and empties Redis."""
    servers = Servers(config.database_url, config.redis_url)
    for given, said in (
        (Given(database_url=config.database_url), "DATABASE_URL has an installation"),
        (Given(database_url="postgresql://127.0.0.1:1/x"), "DATABASE_URL does not answer"),
        (Given(redis_url=config.redis_url), "REDIS_URL is not empty"),
    ):
        with Redis.from_url(config.redis_url) as redis:
            redis.set("somebody's", 1)
        on = replace(servers, database_url=given.database_url or servers.database_url)
        with pytest.raises(ServerError, match=said):
            check_unused(given, on)


def site_on(config: Config, folder: Path, broker_url: str, *nodes: Node) -> Site:
    """A site on given servers, which has started nothing."""
    servers = Servers(config.database_url, config.redis_url)
    return Site(servers, folder, None, Guard(), 1, broker_url, nodes)


async def test_given_servers_are_cut_off_and_only_their_named_nodes_killed(
    config: Config, tmp_path: Path
) -> None:
    amqp = "amqp://guest:guest@rabbit.test/%2F"
    lines = [str(os.getpid()), *"234567", "ready"]
    (tmp_path / "postmaster.pid").write_text("\n".join(lines))
    node = Node(tmp_path)
    site = site_on(config, tmp_path, amqp, node)
    names = {fault.name for fault in faults(site)}
    killed = {name.partition(":")[0] for name in names if "SIGKILL" in name or "SIGSTOP" in name}
    assert killed == {"web", "worker", "clock", node.name}
    cut = {name.partition(":")[0] for name in names if "refused" in name}
    assert cut == {"PostgreSQL", "Valkey", "web", "broker"}
    assert (
        site.environment["BROKER_URL"]
        == f"amqp://guest:guest@127.0.0.1:{site.proxies['broker'].port}/%2F"
    )
    assert (site.proxies["broker"].host, site.proxies["broker"].target) == ("rabbit.test", 5672)
    assert load_config(site.environment, signs=True).dashboard_url == ""
    await site.database.dispose()


def test_a_node_is_killed_and_comes_back_as_it_was(tmp_path: Path) -> None:
    server = Server(tmp_path / "node", tmp_path / "archive")
    server.found()
    with server.serving():
        node = Node(server.data)
        before = node.pid
        node.kill()
        until(lambda: not node.is_ready(), "its end")
        node.start()
        assert node.is_ready()
        assert node.pid != before
        command = Path(f"/proc/{node.pid}/cmdline").read_bytes().split(b"\0")
        assert str(server.port).encode() in command
        assert node.started is not None
        node.started.send_signal(signal.SIGQUIT)
        node.started.wait()
        assert not node.is_ready()
    with pytest.raises(NodeError):
        Node(tmp_path)


async def journal(world: World) -> Phone:
    """A phone that knows of every intent and callback of the world's only member."""
    client = Client(world.http, Tally(), "ann@example.com", "")
    for row in await world.rows("SELECT id, origin, key FROM intents WHERE user_id IS NOT NULL"):
        if row.origin.startswith("user:"):
            client.wishes.append(Wish(row.key, "/v1", {str(row.id)}))
    phone = Phone(client, world.http, 0)
    phone.proved_views += [str(row.id) for row in await world.rows("SELECT id FROM ad_views")]
    return phone


async def test_the_verdict_finds_what_is_lost_and_what_is_doubled(world: World) -> None:
    person = await world.person(group_number=1)
    await world.go_to(at("00:05"))
    await person.mine()
    await world.go_to(at("01:00"))
    phone = await journal(world)

    async def wrong() -> tuple[int, int]:
        found: Verdict = await judge(world.database, [phone])
        return found.lost, found.doubled

    assert await wrong() == (0, 0)
    for micro, expected in ((1, (0, 1)), (-1, (1, 0))):
        change = f"UPDATE wallets SET balance = balance + {micro} RETURNING balance"
        await world.rows(change)
        assert await wrong() == expected
        await world.rows(change.replace(f"+ {micro}", f"- {micro}"))
    phone.client.wishes[0].ids.add(str(uuid4()))  # one wish as two intents, of which one is gone
    assert await wrong() == (1, 1)
    phone.client.wishes[0].ids.clear()
    phone.client.wishes.pop(0)  # somebody else's intent
    assert await wrong() == (0, 1)
    phone = await journal(world)
    phone.proved_views.append(str(uuid4()))
    assert await wrong() == (1, 0)


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """Before a server that answers each line with itself."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Proxy(server.sockets[0].getsockname()[1], seed=1) as opened:
        yield opened


async def ask(proxy: Proxy, times: int = 1) -> list[bytes]:
    """What comes back for each of so many lines; nothing once the connection is gone."""
    answers = []
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        for _ in range(times):
            writer.write(b"hello\n")
            answers.append(await reader.readline())
    except OSError:
        answers.append(b"")
    finally:
        writer.transport.abort()
    return answers


async def test_the_proxy_passes_on_or_spoils(proxy: Proxy) -> None:
    assert await ask(proxy, 3) == [b"hello\n"] * 3
    proxy.mode = Mode.LOSE
    assert b"" in await ask(proxy, 50)
    proxy.mode = Mode.REFUSE
    assert await ask(proxy) == [b""]
    proxy.mode = Mode.STALL
    silent = asyncio.create_task(ask(proxy))
    done, _ = await asyncio.wait([silent], timeout=0.1)
    assert not done
    proxy.mode = Mode.PASS
    assert await silent == [b"hello\n"]
