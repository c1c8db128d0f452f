"""What became of an intent, as it is stored: every release reads what the others wrote."""

import re
from itertools import combinations
from typing import Any

import msgspec
import pytest

from api.web_base.documentation import examples
from engine.core.action import kind_of
from engine.core.outcome import Applied, Rejected, Result
from engine.domains import ACTIONS, results_of
from models.base.encoding import encode
from models.intents.outcomes import Unread, read_outcome
from tests.kit.documented import document
from tests.kit.words import at
from tests.kit.world import World

AD: dict[str, Any] = {
    "view_id": "00000000-0000-0000-0000-000000000007",
    "network": "house",
    "unit": "house-mining",
    "nonce": "AAAA",
    "min_seconds": 30,
    "proof": "BOTH",
    "try_number": 1,
    "started_at": None,
}
SESSION: dict[str, Any] = {
    "session_id": "00000000-0000-0000-0000-000000000008",
    "status": "PENDING",
    "started_at": None,
    "ends_at": None,
    "expires_at": "2026-03-01T00:15:00.250000Z",
}
BOOST: dict[str, Any] = {
    "boost_id": "00000000-0000-0000-0000-000000000009",
    "video_id": "youtube:one",
    "status": "ASKED",
    "duration_seconds": 90,
    "reward": "150.000000",
    "started_at": "2026-03-01T00:15:00Z",
    "answer_by": "2026-03-01T00:17:00Z",
    "is_correct": None,
}
TASK: dict[str, Any] = {
    "day": "2026-03-01",
    "number": 3,
    "category": "QUIZ",
    "status": "PENDING",
    "reward": "10.000000",
    "article": None,
    "started_at": "2026-03-01T00:15:00Z",
    "attempts_left": 2,
}
QUESTION = {"text": {"en": "Which?"}, "options": {"en": ["a", "b", "c", "d"]}}
BROKEN = {"invariant": "all is well", "row_count": 1, "examples": [{"id": "1"}]}
LOOKED_UP = {"videos": 1, "checked": 1, "unclear": 0, "stopped": None}

# As releases wrote them that had no structs for it. Clients know them by these names.
STORED: list[tuple[str, dict[str, Any]]] = [
    ("mining.start", SESSION | {"ad": AD}),
    ("ad.start", {"ad": AD | {"started_at": "2026-03-01T00:05:00Z"}}),
    ("ad.complete", SESSION),
    ("ad.complete", TASK | {"category": "ADS", "attempts_left": None, "bonus": False}),
    ("ad.fail", SESSION | {"ad": AD}),
    ("ad.fail", TASK | {"ad": AD}),
    ("ad.confirm", SESSION | {"status": "ACTIVE"}),
    ("boost.start", BOOST),
    ("boost.answer", BOOST | {"is_correct": False}),
    ("task.start", TASK | {"question": QUESTION}),
    ("task.answer", TASK | {"question": QUESTION, "is_correct": False}),
    ("task.review", TASK | {"bonus": True}),
    ("fraud.flag", {}),
    ("mining.credit", {"wallets": 3}),
    ("mining.settle", {"settled": 1, "expired": 0, "sessions": 1, "paid_micro": 5}),
    ("window.remind", {"told": 2}),
    (
        "adjustment.apply",
        {"adjustment_id": AD["view_id"], "amount_micro": 5, "direction": "CREDIT"},
    ),
    ("day.open", {"opened": True}),
    ("partitions.prepare", {"made": ["a"], "archived": [], "written": [], "dropped": []}),
    ("videos.sync", {"youtube": LOOKED_UP, "own": {"skipped": "NOT_CONFIGURED"}}),
    ("videos.recheck", {}),
    (
        "accounts.score",
        {"scores": {"measured": 2, "scored": 1, "flagged": 0, "in_cohorts": 0}},
    ),
    ("model.train", {"model": {}}),
    ("invariants.check", {"violations": [BROKEN], "overdue": []}),
    ("alerts.check", {"wrong": ["books"], "told": 1}),
]


@pytest.mark.parametrize(("kind", "result"), STORED, ids=lambda each: str(each)[:20])
def test_a_result_is_read_and_written_as_it_always_was(kind: str, result: dict[str, Any]) -> None:
    stored = {"status": "APPLIED", "result": result}
    outcome = read_outcome(kind, encode(stored))
    assert isinstance(outcome, Applied)
    assert msgspec.json.decode(encode(outcome)) == stored


def test_a_refusal_is_read_and_written_as_it_always_was() -> None:
    stored = {"status": "REJECTED", "reason": "WINDOW_CLOSED", "detail": "Closed."}
    stored["retry_at"] = "2026-03-01T00:24:00Z"
    outcome = read_outcome("mining.start", encode(stored))
    assert isinstance(outcome, Rejected)
    assert msgspec.json.decode(encode(outcome)) == stored


def test_what_a_newer_release_added_is_left_out() -> None:
    newer = SESSION | {"mood": "sunny", "ad": AD | {"colour": "red"}}
    outcome = read_outcome("mining.start", encode({"status": "APPLIED", "result": newer}))
    assert isinstance(outcome, Applied)
    known = SESSION | {"ad": AD}
    assert msgspec.json.decode(encode(outcome)) == {"status": "APPLIED", "result": known}


@pytest.mark.parametrize("kind", ["moon.land", "mining.start"])
def test_what_no_release_before_wrote_is_kept_as_it_is(kind: str) -> None:
    stored = {"status": "APPLIED", "result": {"flag": "planted"}}
    assert read_outcome(kind, encode(stored)) == Unread({"flag": "planted"})


def test_every_kind_says_what_it_brings() -> None:
    for action in ACTIONS:
        assert results_of(action), f"{kind_of(action)} does not say what it brings"
        assert all(issubclass(result, Result) for result in results_of(action))


def test_of_a_kinds_results_one_fits() -> None:
    """Nothing stored names its type: what one result must have, another of the kind has not."""

    def required(result: type[Result]) -> set[str]:
        return {f.encode_name for f in msgspec.structs.fields(result) if f.required}

    for action in ACTIONS:
        for one, other in combinations(results_of(action), 2):
            assert required(one) - required(other) and required(other) - required(one)


def test_a_route_brings_what_the_document_says() -> None:
    """The examples are answers that tests got: their kind is one that brings what is promised."""
    brought = {kind_of(a): {result.__name__ for result in results_of(a)} for a in ACTIONS}
    seen = 0
    for path, item in document()["paths"].items():
        told = item.get("post", {}).get("responses", {}).get("200", {}).get("content", {})
        promised = set(re.findall(r"schemas/(\w+Result)", str(told)))
        shown = examples().responses.get(f"POST {path}", {}).get("202", {})
        for example in shown.values() if promised else ():
            seen += 1
            assert brought[example["kind"]] == promised, path
    assert seen >= 10


async def test_a_member_sees_what_a_newer_worker_brought(world: World) -> None:
    person = await world.person(group_number=1)
    world.move_to(at("00:05"))
    started = await person.post("/v1/mining/sessions")
    applied = await person.outcome(started)
    assert applied["result"]["ad"]["page_url"]
    await world.rows(
        """UPDATE intents SET outcome = '{"status": "APPLIED", "result": {"flag": "planted"}}'
           WHERE kind = 'mining.start' RETURNING id"""
    )
    again = (await person.get(started.headers["Location"])).json()
    assert (again["status"], again["result"]) == ("APPLIED", {"flag": "planted"})
