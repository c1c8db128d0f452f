"""`./run bench size`: what a member costs in storage, and in intents and requests, a day.

The demo's population lives two spans of different length on databases of their own; the difference
is what a day adds, and the rest is what a member costs for good. docs/sizing.md reckons with both.
"""

import argparse
import asyncio
import logging
import re
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.support import console, finish, say, show
from models.base.db import connected, open_database, rows, sql
from ops.local.servers import local_servers
from runtime.environment import Config
from trials.demo.command import config_for, live

SIZES = sql("""
    SELECT c.relname AS name, pg_total_relation_size(c.oid) AS bytes
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname IN ('public', 'archive')
""")
PARTITION = re.compile(r"(_\d{4}_\d\d(_\d\d)?|_default)$")


class Options(argparse.Namespace):
    """What the command line says."""

    people: int


class Span:
    """What a database held after some days."""

    def __init__(self, sizes: Counter[str], requests: int, intents: int) -> None:
        self.sizes, self.requests, self.intents = sizes, requests, intents


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status."""
    parser = argparse.ArgumentParser(prog="run bench size", description=__doc__)
    parser.add_argument("--people", type=int, default=300, help="members that live")
    people = parser.parse_args(args, namespace=Options()).people
    logging.disable(logging.CRITICAL)  # the simulated clock makes upkeep late
    none, short, long = _lived(1, 1), _lived(people, 1), _lived(people, 2)
    day = {name: (long.sizes[name] - short.sizes[name]) / people for name in long.sizes}
    kept = {
        name: max(0.0, (short.sizes[name] - none.sizes[name]) / people - max(0.0, day[name]))
        for name in short.sizes
    }
    lines = [
        [name, f"{kept[name]:,.0f}", f"{day[name]:,.0f}"]
        for name in sorted(day, key=lambda name: -day[name] - kept[name])
        if day[name] + kept[name] >= 1
    ]
    show(f"{people} members", ["table", "bytes a member", "and a day"], lines)
    finish(
        {
            "bytes_member": round(sum(kept.values())),
            "bytes_member_day": round(sum(day.values())),
            "intents_member_day": round((long.intents - short.intents) / people, 1),
            "requests_member_day": round((long.requests - short.requests) / people, 1),
        }
    )
    return 0


def _lived(people: int, days: int) -> Span:
    say(f"{people} members live {days} days")
    with (
        tempfile.TemporaryDirectory(prefix="twtc-size-") as folder,
        local_servers(Path(folder), durable=False, report=lambda line: None) as servers,
    ):
        return asyncio.run(_measured(config_for(servers), people, days))


async def _measured(config: Config, people: int, days: int) -> Span:
    report = await live(config, console, people, days, seed=1)
    database = open_database(config.database_url, pool_size=1, application_name="twtc-bench")
    sizes: Counter[str] = Counter()
    async with connected(database) as connection:
        for row in await rows(connection, SIZES):
            sizes[PARTITION.sub("", row.name)] += row.bytes
    await database.dispose()
    return Span(sizes, report.counts[0], report.intents)
