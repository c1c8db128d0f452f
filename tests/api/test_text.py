"""Whatever strangers type has a form: read from the handlers, so that none can be forgotten."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from msgspec import Struct, inspect

from api.web_base.permissions import handlers_of
from engine.core.role import Role
from engine.core.text import FIRST_YEAR, LAST_YEAR, LINE, PROSE, Dated
from runtime.clock import utcnow
from tests.kit.documented import application
from tests.kit.problems import problem_of
from tests.kit.staff import staff
from tests.kit.words import at
from tests.kit.world import World

CONTROLS = [*map(chr, range(32)), *map(chr, range(0x7F, 0xA0))]
# Judged by what reads them as people type them: blanks and line breaks at their ends are dropped.
READ_PLAINLY = re.compile(r"\.(email|phone|code)$")
OURS = ("services", "request", "user_id", "access", "actor")


def parameters() -> Iterator[tuple[str, Any]]:
    """Every parameter of every handler of ours, with its place."""
    for path, method, handler in handlers_of(application()):
        if path.startswith("/docs"):
            continue  # the framework's own: a name is looked up there
        for name, field in handler.parsed_fn_signature.parameters.items():
            if name not in OURS:
                yield f"{method} {path} {name}", field


def fields(kind: Any, name: str, seen: set[Any]) -> Iterator[tuple[str, Any]]:
    """The simple types within one that a body may have, each with its place."""
    if isinstance(kind, inspect.StructType):
        if kind.cls not in seen:
            seen.add(kind.cls)
            for field in kind.fields:
                yield from fields(field.type, f"{kind.cls.__name__}.{field.name}", seen)
    elif isinstance(kind, inspect.UnionType):
        for each in kind.types:
            yield from fields(each, name, seen)
    elif isinstance(kind, inspect.DictType):
        yield from fields(kind.key_type, f"{name} (key)", seen)
        yield from fields(kind.value_type, f"{name} (value)", seen)
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType | inspect.SetType):
        yield from fields(kind.item_type, name, seen)
    elif isinstance(kind, inspect.TupleType):
        for each in kind.item_types:
            yield from fields(each, name, seen)
    elif isinstance(kind, inspect.Metadata):
        yield from fields(kind.type, name, seen)
    else:
        yield name, kind


BODIES = [field.annotation for place, field in parameters() if place.endswith(" data")]
FIELDS = {
    str(found): found for body in BODIES for found in fields(inspect.type_info(body), "body", set())
}


def structs() -> set[type[Struct]]:
    """Every struct that a body is made of."""
    found: set[type[Struct]] = set()
    for body in BODIES:
        list(fields(inspect.type_info(body), "body", found))
    return found


def lets_through(pattern: str | None, text: str) -> bool:
    return pattern is None or re.search(pattern, text) is not None


def assert_is_typed(name: str, pattern: str | None) -> None:
    assert pattern is not None, f"{name} is a bare text: say line(), prose() or a pattern"
    allowed = {"\n", "\r", "\t"} if pattern == PROSE else set()
    for control in CONTROLS:
        found = any(lets_through(pattern, text.format(control)) for text in ("{}", "1{}", "a{}b"))
        assert found == (control in allowed), f"{name} lets {control!r} through"


def test_the_search_finds_what_there_is() -> None:
    names = {name for name, _ in FIELDS.values()}
    assert {"ProposalBody.amount", "ProfileChange.country", "Signals.canvas"} <= names
    assert {"Configuration.limits (key)", "VerdictBody.submitted_at", "Lines.ar"} <= names
    assert len(list(parameters())) > 80


TEXTS = {name: kind for name, kind in FIELDS.values() if isinstance(kind, inspect.StrType)}


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_every_text_of_a_body_has_a_form(name: str) -> None:
    kind = TEXTS[name]
    if not READ_PLAINLY.search(name):
        assert_is_typed(name, kind.pattern)
    assert kind.max_length is not None or (kind.pattern or "").endswith(("}\\Z", ")?\\Z")), name


def test_every_text_of_an_address_or_a_header_has_a_form() -> None:
    for place, field in parameters():
        if place.endswith(" data"):
            continue
        kinds = {field.annotation, *getattr(field.annotation, "__args__", ())}
        assert not kinds & {date, datetime}, f"{place}: a date cannot be bounded, OF_DAY can"
        if str in kinds:
            assert_is_typed(place, field.kwarg_definition.pattern)


def test_every_instant_of_a_body_is_of_our_time() -> None:
    dated = {
        kind
        for kind in structs()
        for each in inspect.type_info(kind).fields  # type: ignore[attr-defined]
        for _, inner in fields(each.type, "", set(structs()))
        if isinstance(inner, inspect.DateTimeType | inspect.DateType)
    }
    assert len(dated) == 2
    for kind in dated:
        assert issubclass(kind, Dated), f"{kind.__name__} has instants and is not Dated"


class When(Dated, frozen=True):
    """An instant and a day."""

    at: datetime | None = None
    on: date | None = None


@pytest.mark.parametrize(
    "body",
    ['{"at": "0001-01-01T00:00:00+14:00"}', '{"at": "9999-12-31T23:59:59-14:00"}',
     '{"at": "2026-03-01T00:00:00"}', '{"on": "1999-12-31"}', '{"on": "2100-01-01"}'],
)  # fmt: skip
def test_other_times_are_refused(body: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=When)
    good = When(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), date(LAST_YEAR, 12, 31))
    assert msgspec.json.decode(msgspec.json.encode(good), type=When) == good


def test_halves_of_characters_are_no_json() -> None:
    for text in (b'"\\ud800"', b'"\\udc00\\ud800"', b'"a\\udfff"'):
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(text, type=str)


def test_what_people_write_is_a_line() -> None:
    for text in ("", "Zoë", "العربية", "👩‍👩‍👧", "a b", "50 % – “fine”"):
        assert lets_through(LINE, text) and lets_through(PROSE, text)


async def test_typed_nonsense_is_refused_and_nobody_is_alarmed(world: World) -> None:
    person = await world.person(group_number=1)
    boss = await staff(world, Role.SUPERADMIN)
    world.move_to(at("00:05"))
    counted = world.services.counts.now
    before = counted["server_errors"]
    sent = [
        await person.post("/v1/tasks/1/completed", {"proof": "a\u0000b"}),
        await world.http.patch("/v1/me", headers=person.headers, json={"country": "US\n"}),
        await world.http.patch("/v1/me", headers=person.headers, json={"display_name": "a\u0000"}),
        await boss.get("/v1/admin/facts?until=0001-01-02"),
        await boss.get("/v1/admin/facts?since=9999-12-31&until=9999-12-31"),
        await boss.get("/v1/admin/facts.csv?until=2026-02-30"),
        await boss.get("/v1/admin/load?day=9999-12-31"),
        await boss.get("/v1/admin/load?day=0001-01-01"),
        await boss.post(
            f"/v1/admin/users/{person.id}/adjustments",
            {"direction": "CREDIT", "amount": "10.5\n", "reason": "a good one"},
        ),
        await boss.post(
            f"/v1/admin/users/{person.id}/tasks/9999-12-31/1/review",
            {"submitted_at": utcnow().isoformat(), "is_approved": True},
        ),
        await boss.post(
            f"/v1/admin/users/{person.id}/tasks/2026-03-01/1/review",
            {"submitted_at": "0001-01-01T00:00:00+14:00", "is_approved": True},
        ),
        await person.get("/v1/videos?country=US%0A"),
        await person.get("/v1/videos?region=%00"),
        await person.get("/v1/wallet/transactions?cursor=%0A"),
    ]
    for answer in sent:
        problem_of(answer, 400, "bad-request")
    assert counted["server_errors"] == before
