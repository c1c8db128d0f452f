"""Every statement of models/ is planned, and held against the rules of decision 0009."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from models.base.db import Database, connected, sql
from models.domains import GLOBAL, INVARIANTS, OVERDUE
from tests.kit.statements import CHANGES, PIECED, VOLATILE, statements, tables_of

# Tables with a row per user, or more. The others stay small.
GROWING = PIECED - {"group_sizes", "credit_watermarks"} | {
    "identities",
    "device_owners",
    "registrations",
    "address_codes",
}
# Over all pieces: where the clock looks for work, and what operators look at.
OVER_ALL_PIECES = {
    "mining.due.BUCKETS_TO_CREDIT[all]",
    "mining.due.PIECES_TO_SETTLE[all]",
    "mining.groups.SIZES[all]",
    "operations.operations.DEAD_LETTERS",
    "operations.operations.TICKS[all]",
    "intents.queue.DEAD_LETTERS",
    "tasks.reviews.AWAITING",
    "content.videos.REPORTED",  # every ten minutes, by an index of the few that could not be played
    "accounts.sealing.CLEAR_IDENTITIES",  # once, after an upgrade or for a new key
}
# Over all pieces too, but each of them by an index.
PROBES = {
    "intents.queue.OVERDUE_BUCKETS[all]",
    "intents.follow_ups.BUCKETS_OVERDUE[all]",
    "intents.errands.DUE_BUCKETS[all]",
    "inbox.pushes.BUCKETS_OF_BEFORE[all]",
    "mining.due.BUCKETS_WITH_DEVICES[all]",
}
# What it asks is how two servers' own clocks and logs stand.
OF_CLOCKS = {"base.replica.IS_LATE"}
SETTINGS = re.compile(r"(?i)^\s*SET (LOCAL )?\w+ =")
# What a cluster refuses, or answers otherwise than one server does.
FORBIDDEN = re.compile(
    r"(?i)\b(MERGE|CURRENT OF|PREPARE TRANSACTION|ctid|xmin|ROLLUP|CUBE|GROUPING SETS|RECURSIVE"
    r"|NOTIFY|LISTEN|ISOLATION LEVEL|TRUNCATE)\b|\b(pg_(try_)?advisory|set_config|setval)\w*\("
)
VALUES_WITH_QUERY = re.compile(r"(?is)\bVALUES\s*\([^;]*\(\s*SELECT\b")
MOVES_BUCKET = re.compile(r"(?is)\bSET\b(?:(?!\bWHERE\b|\bFROM\b).)*?\bbucket\s*=")
CHANGED_IN_CTE = re.compile(
    r"(?i)\bAS (?:MATERIALIZED )?\(\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_]+)"
)
NAMED_TABLE = re.compile(
    r"(?i)\b(?:FROM|JOIN|USING|UPDATE|INTO)\s+(?:ONLY\s+)?([a-z_]+)(?:\s+(?:AS\s+)?([a-z]\w*))?"
)
NO_ALIAS = {"where", "set", "on", "join", "left", "full", "cross", "order", "group", "values"} | {
    "for",
    "limit",
    "using",
    "returning",
    "select",
    "union",
    "default",
    "do",
}


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
    assert name in OF_CLOCKS or not VOLATILE.search(source), "times and ids are parameters"
    assert not FORBIDDEN.search(source)
    assert ":buckets" not in source, "a cluster joins no list of buckets with its shards"
    assert not VALUES_WITH_QUERY.search(source), "a cluster takes INSERT … SELECT instead"
    if source.strip().upper().startswith("SET"):
        assert SETTINGS.match(source), "a setting stands alone"
        return
    assert not MOVES_BUCKET.search(source), "a row never moves to another bucket"
    if tables_of(statements()[name]) & PIECED and name not in OVER_ALL_PIECES | PROBES:
        assert ":bucket" in source or ":first" in source, "a statement names its piece"
    if set(CHANGES.findall(source)) & PIECED or "FOR UPDATE" in source.upper():
        locked = tables_of(statements()[name]) & PIECED
        assert not locked or ":bucket" in source, "a write or a lock names one bucket"
        assert not re.search(r"(?i)bucket\s*=\s*ANY", source), "a set of buckets cannot be locked"
    if name not in OVER_ALL_PIECES or len(tables_of(statements()[name]) & PIECED) > 1:
        assert tables_without_bucket(source) == set(), "joins repeat the bucket"


@pytest.mark.parametrize("name", sorted(statements()))
def test_a_table_that_a_cte_changes_is_not_read_again(name: str) -> None:
    """One server shows its old rows and a cluster others: RETURNING is the same on both."""
    source = statements()[name].source
    for table in CHANGED_IN_CTE.findall(source):
        mentions = [found for found in NAMED_TABLE.findall(source) if found[0] == table]
        assert len(mentions) == 1, f"{table} is changed by a CTE and named again"


@pytest.mark.parametrize("name", [*INVARIANTS, *OVERDUE, *GLOBAL])
def test_a_report_over_all_pieces_joins_within_them(name: str) -> None:
    source = sql((INVARIANTS | OVERDUE | GLOBAL)[name]).source
    assert not VOLATILE.search(source)
    assert not FORBIDDEN.search(source)
    assert tables_without_bucket(source) == set()


def tables_without_bucket(source: str) -> set[str]:
    """Pieced tables of a statement whose bucket it never names."""
    found = set()
    for table, alias in NAMED_TABLE.findall(source):
        if table in PIECED:
            own = alias if alias and alias.lower() not in NO_ALIAS else ""
            named = rf"\b{own}\.bucket\b|(?<![.\w])bucket\b" if own else r"\bbucket\b"
            if not re.search(named, source):
                found.add(table)
    return found
