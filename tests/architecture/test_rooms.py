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
# Of the engine a room of the models uses the core, its own domain and those before it. And:
OF_ENGINE = {
    "intents": {"domains"},  # the kinds, to read what is stored
    "accounts": {
        "fraud",  # a ban carries a hold over
        "mining",  # a newcomer is assigned a group
    },
    "installation": {"admin", "ads", "tasks"},  # the configuration, and what is seeded
    "admin": {"admin", "fraud", "ledger"},  # a caller's hold, rights of what is given by hand
    "contacts": {"admin"},  # two people agree
    "ads": {"mining"},  # the session that a view is shown for
    "content": {"admin", "tasks"},  # two people agree on pay; the day's catalogue
    "mining": {"fraud", "status"},  # the snapshot is of the whole member
    "fraud": {"admin", "domains"},  # who may act on whom; kinds that are measured
}
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


def rooms_of_engine(room: str) -> set[str]:
    """What a room of the models may use of the engine."""
    order = ORDER["engine"]
    below = order[: order.index(room) + 1] if room in DOMAINS else ["core"]
    return {*below} | OF_ENGINE.get(room, set())


@pytest.mark.parametrize("room", ["runtime", *ORDER["models"]])
def test_a_room_knows_of_the_engine_what_is_its_own_and_below(room: str) -> None:
    under = ROOT / room if room == "runtime" else ROOT / "models" / room
    used = {
        name[1]
        for path in (*under.rglob("*.py"), *under.parent.glob(f"{room}.py"))
        for name in imports(path)
        if name[0] == "engine" and len(name) > 1
    }
    assert used <= rooms_of_engine(room)
    assert OF_ENGINE.get(room, set()) <= used, "an exception that nobody needs"


def test_what_decisions_changed_is_written_by_workers_alone() -> None:
    for layer in ("api", "schedules"):
        for path in (ROOT / layer).rglob("*.py"):
            used = {name[2] for name in imports(path) if name[0] == "models" and len(name) > 2}
            assert not used & OF_WORKERS, path
