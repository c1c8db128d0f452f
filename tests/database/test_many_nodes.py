"""What a cluster would refuse, or do at a cost, is found without one (decision 0050).

Each statement of models/ is planned by PostgreSQL with every parameter NULL in turn, and its text
is held against where the tables lie. The exceptions are lists, each line with its reason.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
import yaml

from models.base.db import Database, Statement, connected
from models.schema.citus import KEYED, places
from models.tables import metadata
from tests.kit.root import ROOT
from tests.kit.statements import CHANGES, statements, tables_of

COPIED = {place.table for place in places() if place.column is None}
SPREAD = set(metadata.tables) - COPIED
# A value of each type, written as SQL.
VALUES = {
    "int2": "3",
    "int4": "3",
    "int8": "3",
    "float8": "1.5",
    "numeric": "3",
    "bool": "true",
    "text": "'x'",
    "jsonb": "'{}'",
    "bytea": "'\\x78'",
    "date": "'2026-03-01'",
    "timestamptz": "'2026-03-01T00:00Z'",
    "interval": "'1 day'",
    "uuid": "'00000000-0000-0000-0000-000000000005'",
    "regclass": "'users'",
    "regnamespace": "'public'",
}
# Keys and instants that their callers always have.
NEVER_NULL = {
    "accounts.register.FIND_USER": {"user_id"},
    "mining.credit.CREDIT_ENDED": {"boundary", "credited_through"},
    "mining.credit.CREDIT_RUNNING": {"boundary"},
    "mining.settlement.EXPIRE": {"expired_by", "group_number"},
    "mining.settlement.SETTLE": {"boundary", "group_number"},
    "operations.facts.WHOLE_DAY[retention]": {"day"},
    "fraud.review.UNDECIDED": {"since"},
    "ledger.history.OWN_BOOST": {"id", "user_id"},
    "admin.roles.CALLER": {"now", "sign_in_id"},
    "fraud.scoring.ACTS": {"day"},
    "accounts.sign_ins.REVOKE_FAMILY": {"token_hash"},
    "ledger.wallet.WALLET": {"day", "user_id"},
    "mining.reminders.REMIND": {"elapsed_us", "group_number", "window_us"},
}
# Each holds an exclusive lock on all nodes until its transaction ends: rare, short, one at a time.
WRITES_COPIES = {
    "ads.units.ADD_AD_UNIT": "by an operator",
    "ads.units.CHANGE_AD_UNIT": "by an operator",
    "operations.alerts.OPEN": "every five minutes, by one worker",
    "operations.alerts.PRUNE[alerts]": "once a night",
    "operations.alerts.PRUNE[counts]": "once a night",
    "operations.alerts.RESOLVE": "every five minutes, by one worker",
    "operations.alerts.SENT_OPEN": "for each alert",
    "operations.alerts.SENT_OVER": "for each alert",
    "content.catalogue.OPEN_DAY": "once a day",
    "installation.configuration.ADD": "by an operator",
    "content.library.ADD_ARTICLES": "by a release",
    "content.library.ADD_QUESTIONS": "by a release",
    "content.library.ADD_TASK_TYPES": "by a release",
    "content.library.ADD_VIDEOS": "by a release",
    "admin.credits_by_hand.COUNT": "by an operator",
    "content.editing.WRITE_ARTICLE": "by an operator",
    "content.editing.WRITE_QUESTION": "by an operator",
    "content.editing.WRITE_TASK_TYPE": "by an operator",
    "content.editing.WRITE_VIDEO": "by an operator",
    "operations.facts.CLEAR": "once a day; days that are caught up wait for each other",
    "operations.facts.STORE": "in the same transaction",
    "operations.mailboxes.NOTE_PROGRESS": "by a release",
    "content.pay_proposals.CLOSE": "by an operator",
    "content.pay_proposals.LAPSE_ONE": "by an operator",
    "content.pay_proposals.PROPOSE": "by an operator",
    "admin.proposals.LAPSE_PAY": "once a night, and when somebody of the staff leaves",
    "fraud.reputation.STORE_LIST": "once a night",
    "operations.request_counts.ADD": "every ten seconds a web process, a transaction of its own",
    "fraud.scoring.STORE_MODEL": "once a night",
    "accounts.sealing.NOTE_KEY": "by a release",
    "installation.settings.KEEP_SETTING": "by a release",
    "installation.settings.SAVE_AD": "by a release",
    "installation.settings.SAVE_GROUP": "by a release",
    "installation.settings.SAVE_SETTING": "by a release",
    "admin.staff.CHANGE": "by an operator",
    "admin.staff.GRANT": "by an operator",
    "admin.staff.LEAVE": "by an operator",
    "admin.staff.SUSPEND": "when somebody of the staff is held",
    "content.videos.STORE_VERDICTS": "every ten minutes, by one worker",
}
# Rows that no shard is named for go through the coordinator, and errors lose their state there.
BY_COPY = {
    "accounts.bans.REMEMBER": "keyed by many values; nobody asks why it failed",
    "mining.settlement.EXPIRE": "rows of what it changes itself",
    "mining.settlement.SETTLE": "rows of what it changes; a lost state counts as a broken rule",
    "operations.mailboxes.CLAIM_IDENTITIES": "keyed by many values, by a release",
    "operations.mailboxes.CLAIM_MAILBOXES": "keyed by many values, by a release",
    "schema.seed.OPEN_PIECES": "makes the rows that the others stand beside",
    "schema.seed.OPEN_SIZES": "by a release, before those rows are there",
    "accounts.sign_ins.STORE_SIGN_IN": "one row of what it changes itself",
}
# Tables keyed by a value of their own, asked without it: all shards answer.
OF_ALL_KEYS = {
    "ads.events.PRUNE": "once a night",
    "accounts.address_codes.PRUNE": "every hour",
    "accounts.bans.DEVICES": "when an account is closed",
    "accounts.bans.IDENTITIES": "when an account is closed",
    "accounts.bans.MAILBOXES": "when an account is closed",
    "accounts.bans.PRUNE": "once a night",
    "accounts.consents.FORGET_DEVICES": "when somebody opts out",
    "privacy.erasure.FREE_FINGERPRINTS": "when an account is erased",
    "privacy.erasure.FREE_IDENTITIES": "when an account is erased",
    "privacy.erasure.FREE_MAILBOXES": "when an account is erased",
    "accounts.guesses.PRUNE_GUESSES": "once a night",
    "ads.inventory.PRUNE_MINUTES": "once a night",
    "accounts.registrations.PRUNE": "every hour",
    "accounts.sealing.CLEAR_IDENTITIES": "once, after an upgrade or for a new key",
    "operations.user_files.FINGERPRINTS": "by an operator",
}


def planned() -> dict[str, Statement]:
    """What reads or writes our tables."""
    ours = {name: s for name, s in statements().items() if not s.source.startswith("SET ")}
    return {name: s for name, s in ours.items() if tables_of(s) & set(metadata.tables)}


def literal(kind: str) -> str:
    value = VALUES[kind.removesuffix("[]")]
    return f"CAST(ARRAY[{value}] AS {kind})" if kind.endswith("[]") else f"CAST({value} AS {kind})"


async def explained(
    connection: Any, statement: Statement, kinds: list[str], null: int | None = None
) -> set[str]:
    """The spread tables of the plan, with one parameter NULL if it is named."""
    given = [literal(kind) for kind in kinds]
    if null is not None:
        given[null] = f"CAST(NULL AS {kinds[null]})"
    text = re.sub(r"\$(\d+)", lambda found: given[int(found[1]) - 1], statement.numbered)
    lines = [row[0] for row in await connection.fetch(f"EXPLAIN (COSTS OFF) {text}")]
    # What is read; a statement that reads nothing does nothing.
    named = re.findall(r"Scan.*? on ([a-z_0-9]+)", "\n".join(lines))
    return {re.sub(r"(_\d{4}_\d\d(_\d\d)?|_default)$", "", name) for name in named} & SPREAD


async def test_no_parameter_takes_a_table_with_it_when_it_is_null(database: Database) -> None:
    """`v.id = NULL` is false whatever the bucket: the planner drops the table, and its bucket."""
    lost: dict[str, set[str]] = {}
    async with connected(database) as connection:
        await connection.execute("SET plan_cache_mode = force_custom_plan")
        for name, statement in planned().items():
            prepared = await connection.prepare(statement.numbered)  # type: ignore[attr-defined]
            kinds = [kind.name for kind in prepared.get_parameters()]
            whole = await explained(connection, statement, kinds)
            for number, parameter in enumerate(statement.names):
                if parameter in ("bucket", "first", "last"):
                    continue
                left = await explained(connection, statement, kinds, number)
                if left and left < whole:
                    lost.setdefault(name, set()).add(parameter)
    assert lost == NEVER_NULL


@cache
def writes() -> dict[str, set[str]]:
    return {name: set(CHANGES.findall(s.source)) for name, s in planned().items()}


def test_tables_on_every_node_are_written_rarely() -> None:
    assert {name for name, tables in writes().items() if tables & COPIED} == set(WRITES_COPIES)


def inserts(source: str) -> Iterator[tuple[str, str]]:
    """The table of each INSERT … SELECT, and the text of its query."""
    found = re.finditer(
        r"(?is)INSERT INTO ([a-z_]+)[^()]*\([^()]*\)\s*(SELECT\b.*?)"
        r"(?=\bON CONFLICT\b|\bRETURNING\b|\Z)",
        source,
    )
    for match in found:
        yield match[1], match[2]


def test_rows_are_sent_whole_to_their_shard() -> None:
    copied = set()
    for name, statement in planned().items():
        source = statement.source
        changed = re.findall(r"(?i)\b([a-z_]+) AS (?:MATERIALIZED )?\(\s*(?:UPDATE|DELETE)", source)
        for table, query in inserts(source):
            read = set(re.findall(r"(?i)\b(?:FROM|JOIN)\s+([a-z_]+)", query))
            if table in SPREAD and (not read & SPREAD or read & set(changed)):
                copied.add(name)
    assert copied == set(BY_COPY)


def test_a_table_with_a_key_of_its_own_is_asked_by_it() -> None:
    asked = set()
    for name, statement in planned().items():
        source = re.sub(r"(?is)INSERT INTO \w+.*?(?=\bSELECT\b|\Z)", "", statement.source)
        for table in tables_of(statement) & set(KEYED):
            key = KEYED[table]
            is_named = re.search(rf"(?i)\b{key} = (:|ANY\(CAST\(:|CAST\(:|d\.)", source)
            if re.search(rf"(?i)\b(FROM|JOIN|UPDATE) {table}\b", source) and not is_named:
                asked.add(name)
    assert asked == set(OF_ALL_KEYS)


@pytest.mark.parametrize("name", [name for name in statements() if name.endswith("[one]")])
def test_a_question_to_one_bucket_names_it_for_each_of_its_tables(name: str) -> None:
    """Within an OR a cluster finds no shard by `s.bucket = m.bucket`, and asks all of them."""
    source = statements()[name].source
    read = re.findall(r"(?i)\b(?:FROM|JOIN)\s+[a-z_]+ ([a-z])\b", source)
    assert read
    for alias in read:
        assert f"{alias}.bucket = :bucket" in source, alias


CALL = re.compile(r"\b([a-z_][a-z0-9_]*)\(")
# A keyword before a bracket is no function.
CONDITIONAL = re.compile(r"(?is)\bCASE\b.*?\bEND\b|\bCOALESCE\((?:[^()]|\([^()]*\))*\)")


async def volatilities(database: Database) -> dict[str, str]:
    async with connected(database) as connection:
        found = await connection.fetch(
            "SELECT proname, string_agg(DISTINCT CAST(provolatile AS text), '') FROM pg_proc "
            "WHERE pronamespace = CAST('pg_catalog' AS regnamespace) GROUP BY proname"
        )
    return dict(found)


async def test_functions_in_what_is_written_are_the_same_on_every_node(database: Database) -> None:
    known = await volatilities(database)
    for name, statement in planned().items():
        called = set(CALL.findall(statement.source)) & set(known)
        volatile = {function for function in called if "v" in known[function]}
        assert not volatile, f"{name}: {volatile}"
        if re.search(r"(?i)\b(UPDATE|DELETE FROM)\b", statement.source):
            for condition in CONDITIONAL.findall(statement.source):
                inside = set(CALL.findall(condition)) & set(known)
                stable = {function for function in inside if known[function] != "i"}
                assert not stable, f"{name}: {stable} in {condition}"


AUTOSCALING = ROOT / "deploy/kubernetes/production/worker-autoscaling.yaml"


async def test_workers_scale_by_the_age_of_the_oldest_that_waits(database: Database) -> None:
    """In a shape that a cluster takes: no LIMIT within, min() over the partial index instead."""
    scaled = next(yaml.safe_load_all(AUTOSCALING.read_text()))
    query = scaled["spec"]["triggers"][0]["metadata"]["query"]
    assert "LIMIT" not in query and "generate_series" not in query
    waiting = """
        INSERT INTO intents (bucket, id, group_number, kind, origin, key, body_hash, payload,
            evidence, recorded_at, due_at, ring_at, attempts, status)
        SELECT 5, gen_random_uuid(), g, 'mining.credit', 'timetable', CAST(g AS text), '', '{}',
               '{}', now() - a, now() - a, now(), 0, 'RECORDED'
        FROM (VALUES (CAST($1 AS smallint), CAST($2 AS interval))) AS d (g, a)
    """
    async with connected(database) as connection:
        await connection.execute("DELETE FROM intents")
        assert (await connection.fetch(query))[0][0] == 0
        for group, age in ((7, timedelta(seconds=20)), (0, timedelta(seconds=50))):
            await connection.execute(waiting, group, age)
            oldest = float((await connection.fetch(query))[0][0])
            assert age.total_seconds() <= oldest < age.total_seconds() + 10
        await connection.execute("SET enable_seqscan = off")
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query}"))
        assert plan.count("intents_due") == plan.count("intents_upkeep") == 1
