"""One name a domain, in every layer; what is called otherwise stands here, with its reason."""

import ast
import re
from pathlib import Path

import pytest
from sqlalchemy import Table

import models.tables
from engine.core.action import kind_of
from engine.domains import ACTIONS, DOMAINS
from models.base.columns import all_tables

ROOT = Path(__file__).parents[2]
# Kinds stand in stored intents, and a release before may still record them: they are not renamed.
# By their nouns, of these domains (decision 0057).
NOUNS = {
    "accounts": {"contacts", "people"},
    "content": {"videos"},
    "fraud": {"lists", "accounts", "model"},
    "ledger": {"adjustment", "coins"},
    "mining": {"groups", "window"},
    "operations": {"alerts", "facts", "intents", "invariants", "partitions"},
    "tasks": {"day"},
}
# Rooms of the models whose tables are older than the house, or are what everybody calls them; a
# name in SQL is not worth a migration while releases run side by side.
TABLES = {
    "accounts": {
        *("users", "sign_ins", "refresh_tokens", "codes", "recovery_codes", "second_factors"),
        *("guesses", "consents", "erasures", "registrations", "address_codes"),
    },
    "admin": {
        *("configuration_versions", "staff", "role_proposals", "pay_proposals"),
        *("credits_by_hand", "adjustments"),
    },
    "base": {"activity_logs", "fraud_logs", "admin_log"},
    "content": {"videos", "articles", "questions", "task_types"},
    "fraud": {
        *("account_days", "anomaly_scores", "anomaly_models", "fingerprints", "bans"),
        "ip_lists",
    },
    "inbox": {"notifications", "devices"},
    # What everybody's rows refer to, and what is unique over all users.
    "installation": {
        *("settings", "user_groups", "ads", "ad_requests", "days", "identities", "mailboxes"),
        "device_owners",
    },
    "intents": {"follow_ups", "errands"},
    "ledger": {"wallets", "transactions", "wallet_funds", "entry_parts", "spent_days"},
    "mining": {"credit_watermarks", "group_sizes"},
    "operations": {"request_counts", "alerts", "daily_facts", "active_days"},
    "tasks": {"achievements"},
}
# Routes that are of no one domain.
TAGS = {
    "me",  # what a member is told of themselves, by several
    "events",
    "administration",
    "privacy",  # a room of the models
}
# Modules of routes that say another tag than their own name.
SAYS = {"inbox": "me", "health": "operations", "metrics": "operations", "router": "administration"}


def words(domain: str) -> tuple[str, ...]:
    """A domain's name, and that of one of its things."""
    return (domain, domain.removesuffix("s"))


def is_named(name: str, domain: str) -> bool:
    """Whether a name begins with its domain's."""
    return any(re.match(rf"(daily_)?{word}s?(_|$)", name) for word in words(domain))


def room_of(table: Table) -> str:
    """The room of the models whose module describes a table."""
    for path in (ROOT / "models").glob("*/*tables.py"):
        if re.search(rf'able\(\s*"{table.name}",', path.read_text()):
            return path.parent.name
    raise AssertionError(f"{table.name} is described nowhere")


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_kind_begins_with_the_name_of_its_domain(domain: str) -> None:
    own = [action for action in ACTIONS if action.__module__ == f"engine.{domain}.actions"]
    nouns = {kind_of(action).partition(".")[0] for action in own}
    assert nouns - {*words(domain)} == NOUNS.get(domain, set())


def test_a_table_begins_with_the_name_of_its_room() -> None:
    assert models.tables.metadata.tables
    others: dict[str, set[str]] = {}
    for table in all_tables():
        room = room_of(table)
        if not is_named(table.name, room):
            others.setdefault(room, set()).add(table.name)
    assert others == TABLES


def test_routes_are_shown_under_the_name_of_their_domain() -> None:
    for path in (ROOT / "api").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "tags":
                [tag] = ast.literal_eval(node.value)
                assert tag in {*DOMAINS, *TAGS}, path
                own = {path.stem, path.parent.name}
                assert tag in own or SAYS.get(path.stem) == tag or tag == "me", path


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_has_its_folders(domain: str) -> None:
    for layer in ("engine", "models", "tests"):
        assert (ROOT / layer / domain).is_dir(), layer
