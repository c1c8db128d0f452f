"""The house: its rooms are few, in one order, and nobody looks upstairs."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.domains import DOMAINS

ROOT = Path(__file__).parents[2]
# Lower ones first: a room uses those before it. Domains stand in the order of engine/domains.py.
ABOVE = {
    "engine": ["admin", "referrals", "status", "domains", "decide"],
    "models": ["domains", "operations", "tables", "privacy", "schema", "migrations"],
}
BELOW = {
    "engine": ["core"],
    "models": [
        *("base", "intents", "ledger", "inbox", "mining", "accounts", "installation", "admin"),
        *("fraud", "contacts"),
    ],
}


def _order(layer: str) -> list[str]:
    known = BELOW[layer] + ABOVE[layer]
    domains = [domain for domain in DOMAINS if domain not in known]
    return [*BELOW[layer], *domains, *ABOVE[layer]]


ORDER = {layer: _order(layer) for layer in BELOW}
# With the nine domains that there were; a room more for each one that comes.
ROOMS_MAX = {"engine": 15 + len(DOMAINS) - 9, "models": 20 + len(DOMAINS) - 9}
# What writes what rules decided: for workers alone.
OF_WORKERS = {"keep", "post", "batch"}


def rooms(layer: str) -> set[str]:
    paths = (ROOT / layer).iterdir()
    return {p.stem for p in paths if p.suffix == ".py" or list(p.glob("*.py"))} - {"__init__"}


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield (*node.module.split("."), alias.name)
        elif isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)


@pytest.mark.parametrize("layer", ORDER)
def test_every_room_has_its_place_and_they_are_few(layer: str) -> None:
    assert rooms(layer) == set(ORDER[layer])
    assert len(ORDER[layer]) <= ROOMS_MAX[layer]


@pytest.mark.parametrize("layer", ORDER)
def test_no_room_uses_one_above_it(layer: str) -> None:
    order = ORDER[layer]
    for path in (ROOT / layer).rglob("*.py"):
        room = path.relative_to(ROOT / layer).parts[0].removesuffix(".py")
        for name in imports(path):
            if name[0] == layer and len(name) > 1 and name[1] in order and room in order:
                assert order.index(name[1]) <= order.index(room), f"{path} imports {name}"


def test_what_decisions_changed_is_written_by_workers_alone() -> None:
    for layer in ("api", "schedules"):
        for path in (ROOT / layer).rglob("*.py"):
            used = {name[2] for name in imports(path) if name[0] == "models" and len(name) > 2}
            assert not used & OF_WORKERS, path
