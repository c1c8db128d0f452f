"""A member of parts, and what the domains keep: each kind of entity once (decision 0053)."""

import ast
import pkgutil
import re
from datetime import date
from importlib import import_module
from pathlib import Path
from uuid import UUID

import msgspec

import engine
import models.domains
from engine.ads.state import AdOffer
from engine.core.conditions import Conditions
from engine.core.member import Member, Part
from engine.core.timeline import PRODUCTION, timetable
from engine.domains import DOMAINS
from engine.mining.state import Accrual, Sessions
from engine.tasks.state import Achievement, Achievements, Days
from models.domains import KEEPS
from tests.kit.root import ROOT
from tests.kit.words import START
from workers import apply
from workers.apply import Effects

DAY = date(2026, 3, 1)


def entities() -> set[type]:
    found = set()
    for module in pkgutil.walk_packages(engine.__path__, "engine."):
        for value in vars(import_module(module.name)).values():
            part = getattr(value, "part", None)
            is_struct = isinstance(value, type) and issubclass(value, msgspec.Struct)
            if is_struct and isinstance(part, type) and issubclass(part, Part):
                found.add(value)
    return found


def test_every_entity_is_kept_by_one_domain() -> None:
    kept = [keep.entity for keep in KEEPS]
    assert len(set(kept)) == len(kept)
    assert set(kept) == entities()


def test_what_a_domain_has_for_the_whole_is_found() -> None:
    """A module of a fixed name where nobody looks would be a rule that nobody asks."""
    fixed = {"keep", "invariants", "prune", "facts"}
    places = {p.parent.name for p in (ROOT / "models").glob("*/*.py") if p.stem in fixed}
    assert places - {"base", "operations"} <= set(models.domains.DOMAINS)
    tables = re.compile(r"^(TICKS|CHORES|OFFERS|AFTERWARDS)\b", re.MULTILINE)
    files = [p for p in (ROOT / "workers").rglob("*.py") if tables.search(p.read_text())]
    assert {p.relative_to(ROOT / "workers").as_posix() for p in files} - {"domains.py"} <= {
        f"{domain}.py" for domain in DOMAINS
    }


def test_every_part_belongs_to_one_kind_of_entity() -> None:
    parts = [entity.part for entity in entities()]  # type: ignore[attr-defined]
    assert len(set(parts)) == len(parts)


def test_a_part_that_was_not_loaded_is_empty_and_the_last_version_counts() -> None:
    member = Member(7, True)
    assert member.of(Sessions) == {}
    first = Achievement(7, "DAILY_CHAMPION", DAY, START)
    last = msgspec.structs.replace(first, earned_at=START.replace(hour=5))
    member.put(first)
    member.put(last)
    assert member.of(Achievements) == {("DAILY_CHAMPION", DAY): last}


def test_entities_of_two_members_are_two_even_if_their_keys_are_alike() -> None:
    effects = Effects()
    for user_id in (7, 71):
        effects.put(Member(user_id, True), Accrual(UUID(int=1), user_id, 5))
    assert len(effects.changed[Accrual]) == 2


def test_an_offer_that_nobody_needed_is_empty() -> None:
    conditions = Conditions(timetable(PRODUCTION), {})
    assert conditions.of(Days) == {}
    conditions.of(AdOffer).take(3)  # of a unit without a limit
    assert conditions.of(AdOffer) == AdOffer()


def test_the_loop_over_a_batch_names_no_domain() -> None:
    source = ast.parse(Path(apply.__file__).read_text())
    named = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(source)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    # What every domain's decisions go through: messages, and the ledger.
    named -= {"models.inbox.notes.store_notes", "models.ledger.post.post"}
    rooms = {tuple(name.split(".")[:2]) for name in named}
    assert {room for layer, room in rooms if layer == "engine"} <= {"core", "decide"}
    assert {room for layer, room in rooms if layer == "models"} <= {"base", "intents", "domains"}
    assert not {room for layer, room in rooms if layer == "workers"} & {*DOMAINS}
