"""The chaos run: a handful of faults on the real processes, and a verdict that misses nothing."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from ops.chaos.client import Client, Tally, Wish
from ops.chaos.phone import Phone
from ops.chaos.proxy import Mode, Proxy
from ops.chaos.verdict import Verdict, judge
from tests.words import at
from tests.world import World

ROOT = Path(__file__).parent.parent


def test_a_handful_of_faults_loses_nothing() -> None:
    command = [sys.executable, "-m", "ops.cli", "chaos", "--faults", "4", "--phones", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["faults"], figures["lost"], figures["doubled"]) == (4, 0, 0)
    assert figures["audit"] == "clean"
    assert figures["acknowledged"] > 4


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
