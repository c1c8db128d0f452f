"""Tables and migrations keep the rules of decision 0009: one schema for one node or many."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import (
    Computed,
    Identity,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    UniqueConstraint,
    Uuid,
)

from models.base.unique import CLAIMED, WITHIN_A_BUCKET
from models.privacy.export import owner_column
from models.schema.citus import KEYED
from models.tables import metadata
from tests.kit.root import ROOT

VERSIONS = sorted((ROOT / "models/migrations/versions").glob("*.py"))
TABLES = sorted(metadata.tables.values(), key=lambda table: table.name)
PIECED = [table for table in TABLES if "bucket" in table.columns]
LAYING = {"distribute": "bucket", "reference": None, "distribute_by": "keyed"}


def keys_of(table: Table) -> Iterator[list[str]]:
    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
            yield [column.name for column in constraint.columns]
    for index in table.indexes:
        if index.unique:
            yield [column.name for column in index.columns]


@pytest.mark.parametrize("table", PIECED, ids=lambda table: table.name)
def test_every_key_of_a_users_table_begins_with_its_bucket(table: Table) -> None:
    bucket = table.columns["bucket"]
    assert isinstance(bucket.type, SmallInteger)
    assert not bucket.nullable
    assert bucket.computed is None
    for names in keys_of(table):
        assert names[0] == "bucket", names
    for index in table.indexes:
        assert index.columns.keys()[0] == "bucket", index.name


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_can_be_spread(table: Table) -> None:
    for column in table.columns:
        assert not isinstance(column.identity, Identity), "ids are made by us"
        assert not isinstance(column.default, Computed)
        assert column.autoincrement is not True
        default = str(getattr(column.server_default, "arg", ""))
        assert not re.search(r"(?i)now|nextval|random|uuid|current_", default)
    for constraint in table.constraints:
        assert constraint.name, "constraints are named"
    if table.name in KEYED:
        assert all(KEYED[table.name] in names for names in keys_of(table))
        assert "bucket" not in table.columns
    partitioned_by = table.dialect_options["postgresql"]["partition_by"]
    if partitioned_by:
        assert partitioned_by[len("RANGE (") : -1] in table.primary_key.columns


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_foreign_key_stays_in_its_bucket_or_leads_to_a_copied_table(table: Table) -> None:
    for key in table.foreign_key_constraints:
        target = key.referred_table
        assert key.ondelete is None and key.onupdate is None
        if "bucket" in target.columns:
            assert key.column_keys[0] == "bucket"
            assert key.elements[0].column.name == "bucket"
        else:
            assert target.name not in KEYED


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = (
                node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            )
            yield name, node


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_a_migration_spreads_a_table_right_after_making_it(path: Path) -> None:
    for body in (
        node.body
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    ):
        for made, following in zip(body, [*body[1:], ast.Pass()], strict=True):
            if not (isinstance(made, ast.Expr) and isinstance(made.value, ast.Call)):
                continue
            if ast.unparse(made.value.func) != "op.create_table":
                continue
            name = ast.literal_eval(made.value.args[0])
            assert isinstance(following, ast.Expr) and isinstance(following.value, ast.Call), name
            laid = following.value
            assert ast.literal_eval(laid.args[0]) == name
            if name in KEYED:
                assert ast.unparse(laid.func) == "distribute_by"
                assert ast.literal_eval(laid.args[1]) == KEYED[name]
            else:
                is_pieced = "bucket" in metadata.tables[name].columns
                assert ast.unparse(laid.func) == ("distribute" if is_pieced else "reference")


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_a_migration_does_nothing_that_a_cluster_refuses(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for name, call in calls(tree):
        assert name not in {"rename_table", "Identity"}, "names stay, ids are ours"
        assert not any(
            word.arg in {"ondelete", "onupdate", "new_column_name"} for word in call.keywords
        )
        if name == "add_column":
            text = ast.unparse(call)
            assert "Identity" not in text and "unique=True" not in text
        if name == "execute":
            statement = " ".join(
                part.value
                for part in ast.walk(call)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
            assert ";" not in statement.strip().rstrip(";"), "one statement at a time"
            refused = r"(?i)\b(ALTER SEQUENCE|CREATE TRIGGER|RENAME|now\(\)|random\()"
            assert not re.search(refused, statement), "triggers are made by the helper"
    for name, call in calls(tree):
        if name in {
            "UniqueConstraint",
            "PrimaryKeyConstraint",
            "ForeignKeyConstraint",
            "CheckConstraint",
        }:
            assert any(word.arg == "name" for word in call.keywords), "constraints are named"


def test_errors_are_told_apart_by_their_state_alone() -> None:
    """On a cluster the names of constraints end in a shard's number."""
    for package in (
        "engine",
        "runtime",
        "models",
        "workers",
        "schedules",
        "api",
        "partner",
        "ops",
        "trials",
    ):
        for path in (ROOT / package).rglob("*.py"):
            assert "constraint_name" not in path.read_text(), path


def test_a_transaction_is_not_a_loop_over_buckets() -> None:
    """Work over all buckets is a loop of transactions, not the other way round."""
    for package in ("models", "workers"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.AsyncWith):
                    continue
                if not any("transaction(" in ast.unparse(item.context_expr) for item in node.items):
                    continue
                for inner in ast.walk(node):
                    if isinstance(inner, ast.For | ast.AsyncFor):
                        assert "bucket" not in ast.unparse(inner.target), f"{path}:{inner.lineno}"


def test_whatever_is_unique_over_all_users_is_claimed_by_itself() -> None:
    """The list of such things is the schema's: no key of a bucket pretends to be one."""
    assert {table for table, _ in CLAIMED.values()} == set(KEYED)
    for name, key in CLAIMED.values():
        assert tuple(metadata.tables[name].primary_key.columns.keys()) == key
        assert KEYED[name] in key
    explained = set()
    for table in PIECED:
        owner = owner_column(table)
        for name, columns in named_keys(table):
            made_by_us = columns == ["bucket", "id"] and isinstance(table.c.id.type, Uuid)
            if owner in columns or made_by_us:
                continue
            assert name in WITHIN_A_BUCKET, f"{name}: is it unique over all users?"
            explained.add(name)
    assert explained == set(WITHIN_A_BUCKET)


def named_keys(table: Table) -> Iterator[tuple[str, list[str]]]:
    for constraint in table.constraints:
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
            yield str(constraint.name), [column.name for column in constraint.columns]
    for index in table.indexes:
        if index.unique:
            yield str(index.name), [column.name for column in index.columns]
