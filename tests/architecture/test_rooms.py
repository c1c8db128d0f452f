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
    "mining": {"domains", "fraud", "status"},  # kinds that prove; a snapshot of the whole member
    "fraud": {"admin", "domains"},  # who may act on whom; kinds that are measured
}
# What writes what rules decided: for workers alone.
OF_WORKERS = {"keep", "post", "batch"}
# What a domain's models have for the API and for the clock.
OPEN = {"api": {"read", "record"}, "schedules": {"read", "due"}}
# Whole rooms that no worker stands between: their rows are written with the answer.
OPEN_ROOMS = {
    "api": {
        "base",  # knows no domain
        "accounts",  # people sign up, sign in and close while they wait
        "contacts",  # as accounts: a code is answered at once
        "privacy",  # closing and export are answered at once
        "admin",  # operators' own data, with its line in the trail
        "installation",  # what is set, in versions
        "operations",  # what operators look at
        "schema",  # whether the database is ready
    },
    "schedules": {"base"},
}
# And single modules.
OPEN_MODULES = {
    "api": {
        "ads.events",  # a network's report is counted where it comes in, once
        "ads.units",  # operators' own
        "content.catalogue",  # read: what a process holds of it
        "content.videos",  # read, and a player's report of one
        "content.editing",  # operators' own
        "content.pay_proposals",  # operators' own, by two people
        "fraud.fingerprints",  # a device, before its member is known
        "fraud.holds",  # a solved CAPTCHA ends one at once
        "fraud.review",  # operators' own
        "inbox.notes",  # read, and that it was read
        "inbox.pushes",  # a phone's address
        "intents.outcomes",  # read
        "ledger.history",  # read
        "ledger.wallet",  # read
        "mining.groups",  # read: sizes for operators
        "mining.snapshots",  # read: the status
        "tasks.reviews",  # operators': records an intent
    },
    "schedules": {
        "inbox.pushes",  # those of a release before
        "installation.settings",  # the timing
        "intents.errands",  # what is due
        "intents.follow_ups",  # delivers what is due
        "intents.queue",  # records what is due
        "operations.gauges",  # what its figures show
    },
}


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


@pytest.mark.parametrize("layer", OPEN)
def test_the_api_and_the_clock_read_and_record(layer: str) -> None:
    used = {
        (name[1], name[2])
        for path in (ROOT / layer).rglob("*.py")
        for name in imports(path)
        if name[0] == "models" and len(name) > 2
    }
    singly = {
        f"{room}.{module}"
        for room, module in used
        if room not in OPEN_ROOMS[layer] and module not in OPEN[layer]
    }
    assert singly == OPEN_MODULES[layer]
    assert OPEN_ROOMS[layer] <= {room for room, _ in used}, "an exception that nobody needs"


def test_what_decisions_changed_is_written_by_workers_alone() -> None:
    for layer in ("api", "schedules"):
        for path in (ROOT / layer).rglob("*.py"):
            used = {name[2] for name in imports(path) if name[0] == "models" and len(name) > 2}
            assert not used & OF_WORKERS, path
