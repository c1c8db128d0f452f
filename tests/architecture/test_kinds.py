"""Kinds of intents: each says what is true of it, and one table says what is done for it."""

import ast
import re
from pathlib import Path
from typing import get_args, get_type_hints

from engine.core.action import Action, kind_of
from engine.decide import RULES
from engine.domains import ACTIONS
from engine.fraud.anomaly.acts import STARTS
from workers.domains import CHORES, TICKS

ROOT = Path(__file__).parents[2]
LAYERS = ("engine", "runtime", "models", "workers", "schedules", "api", "ops", "partner")


def test_every_kind_stands_in_exactly_one_table() -> None:
    tables = [*RULES, *TICKS, *CHORES]
    assert sorted(map(kind_of, tables)) == sorted(map(kind_of, ACTIONS))


def test_every_action_is_among_the_kinds() -> None:
    assert set(Action.__subclasses__()) == set(ACTIONS)


def test_kinds_have_names_of_their_own() -> None:
    kinds = [kind_of(action) for action in ACTIONS]
    assert len(set(kinds)) == len(kinds)
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", kind) for kind in kinds)


def test_every_rule_is_given_intents_of_its_own_kind() -> None:
    for action, rule in RULES.items():
        [given] = get_args(get_type_hints(rule)["intent"])
        assert action in (get_args(given) or [given])


def test_what_is_true_of_a_kind_goes_together() -> None:
    for action in ACTIONS:
        if action.is_start or action.is_act:
            assert action.is_own and action in RULES
        if action.is_start:
            assert action.is_decision
        if action.is_tick:
            assert action in TICKS


def test_nobody_else_names_kinds() -> None:
    kinds = {kind_of(action) for action in ACTIONS}
    for layer in LAYERS:
        for path in (ROOT / layer).rglob("*.py"):
            # What must hold is said in SQL, and a migration speaks of its own day.
            if path.name in ("actions.py", "invariants.py") or "migrations" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    named = {kind for kind in kinds if is_named(kind, node.value)}
                    assert not named, f"{path}:{node.lineno}"
                    assert not re.search(r"LIKE '[a-z_]+\.%", node.value), f"{path}:{node.lineno}"


def is_named(kind: str, text: str) -> bool:
    """Whether a text is a kind, or SQL with one."""
    return text == kind or f"'{kind}'" in text


def test_the_pauses_before_all_starts_are_measured() -> None:
    measured = {action for action in ACTIONS if action.is_start and action.is_act}
    assert {kind_of(action) for action in measured} == STARTS
