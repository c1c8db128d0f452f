"""Every statement of models/ is planned, and held against the rules of decision 0009."""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import models
from models.db import Database, Statement, connected
from models.tables import metadata

PIECED = {name for name, table in metadata.tables.items() if "bucket" in table.columns}
# Tables with a row per user, or more. The others stay small.
GROWING = PIECED - {"group_sizes", "credit_watermarks"} | {"identities", "device_owners"}
# Over all pieces: where the clock looks for work, and what operators look at.
OVER_ALL_PIECES = {
    "credit.PIECES_TO_CREDIT",
    "credit.PIECES_TO_SETTLE",
    "groups.SIZES",
    "queue.DEAD_LETTERS",
    "reviews.AWAITING",
    "sealing.CLEAR_IDENTITIES",  # once, after an upgrade or for a new key
}
VOLATILE = re.compile(r"(?i)\b(now|random|clock_timestamp|statement_timestamp|gen_random_uuid)\(")
FORBIDDEN = re.compile(r"(?i)\b(MERGE|CURRENT OF|PREPARE TRANSACTION|ctid|xmin)\b")


@cache
def statements() -> dict[str, Statement]:
    """Those that the modules keep, by module and name."""
    named: dict[str, Statement] = {}
    for found in pkgutil.walk_packages(models.__path__, "models."):
        if "migrations" in found.name:
            continue
        for name, value in vars(importlib.import_module(found.name)).items():
            entries = value if isinstance(value, dict) else {"": value}
            for key, entry in entries.items():
                if isinstance(entry, Statement):
                    label = f"{found.name}.{name}" + (f"[{key}]" if key else "")
                    named[label.removeprefix("models.")] = entry
    return named


def tables_of(statement: Statement) -> set[str]:
    return set(re.findall(r"(?i)\b(?:FROM|JOIN|INTO|UPDATE)\s+([a-z_]+)", statement.source))


def scans(node: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Which tables a plan reads, and whether an index tells where to look."""
    if "Relation Name" in node and node["Node Type"] != "ModifyTable":
        below = node.get("Plans", [])
        is_led = "Index Cond" in node or any("Index Cond" in child for child in below)
        table = re.sub(r"(_\d{4}_\d\d(_\d\d)?|_default)$", "", node["Relation Name"])
        yield table, is_led
    for child in node.get("Plans", []):
        yield from scans(child)


async def test_every_statement_finds_its_rows_by_an_index(database: Database) -> None:
    """Where rows grow in number; planned as if reading a whole table were never cheap."""
    async with connected(database) as connection:
        await connection.execute(
            "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan"
        )
        for number, (name, statement) in enumerate(sorted(statements().items())):
            if statement.source.startswith("SET ") or name in OVER_ALL_PIECES:
                continue
            await connection.execute(f"PREPARE probe{number} AS {statement.numbered}")
            nulls = ", ".join(["NULL"] * len(statement.names))
            query = f"EXPLAIN (FORMAT JSON) EXECUTE probe{number}" + (f"({nulls})" if nulls else "")
            [row] = await connection.fetch(query)
            for table, is_led in scans(json.loads(row[0])[0]["Plan"]):
                assert is_led or table not in GROWING, f"{name} reads all of {table}"


@pytest.mark.parametrize("name", sorted(statements()))
def test_a_statement_keeps_the_rules(name: str) -> None:
    source = statements()[name].source
    assert not VOLATILE.search(source), "times and ids are parameters"
    assert not FORBIDDEN.search(source)
    if tables_of(statements()[name]) & PIECED and name not in OVER_ALL_PIECES:
        assert ":bucket" in source or ":first" in source, "a statement names its piece"
