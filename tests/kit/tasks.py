"""Daily tasks of members, those done by watching an ad among them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.kit.day import start_task, tasks
from tests.kit.words import at
from tests.kit.world import Person, World

MIDNIGHT = at("2026-03-02T00:00Z")


async def with_first(world: World, category: str) -> tuple[Person, dict[str, Any]]:
    """Somebody with a task of a kind in the first wave."""
    while True:
        person = await world.person()
        shown = [t for t in await tasks(person) if t["wave"] == 0 and t["category"] == category]
        if shown:
            return person, shown[0]


async def refusal(person: Person, path: str, body: Any = None) -> str:
    """Why a request about tasks is refused."""
    outcome = await person.ask(f"/v1/tasks/{path}", body)
    assert outcome["status"] == "REJECTED", outcome
    reason: str = outcome["problem"]["reason"]
    return reason


async def status_of(person: Person, number: int) -> str:
    """A task of today as its user sees it."""
    status: str = next(t for t in await tasks(person) if t["number"] == number)["status"]
    return status


async def paid(world: World) -> list[tuple[str, int, str]]:
    """Tasks in the ledger: what is referred to without its user, the amount, whose money."""
    found = await world.rows(
        "SELECT reference, amount, funding FROM transactions WHERE type <> 'MINING' ORDER BY id"
    )
    return [(row.reference.split(":", 2)[2], row.amount, row.funding) for row in found]


TWENTY = timedelta(seconds=20)


async def begun(world: World) -> tuple[Person, int, dict[str, Any]]:
    """Somebody, a task, and its ad, which began to play at this instant."""
    person, task = await with_first(world, "ADS")
    ad = (await start_task(person, task["number"]))["ad"]
    assert (ad["unit"], ad["min_seconds"]) == ("house-task", 20)
    await person.report(ad["view_id"], "started")
    return person, task["number"], ad


async def view_of(world: World, ad: dict[str, Any]) -> tuple[str, str | None]:
    """What has become of an ad."""
    [row] = await world.rows(
        "SELECT status, failure FROM ad_views WHERE id = :id", id=UUID(ad["view_id"])
    )
    return row.status, row.failure


async def numbers_of_ads(person: Person) -> list[int]:
    """Today's ads that may be begun."""
    shown = (await person.get("/v1/tasks/today")).json()["tasks"]
    return [t["number"] for t in shown if t["category"] == "ADS" and t["status"] != "LOCKED"]
