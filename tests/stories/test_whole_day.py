"""A user's whole day, to the micro-TWTC, with every message delivered twice."""

from datetime import datetime, timedelta

from engine.core.timeline import utc_day
from runtime.clock import utcnow
from tests.kit.day import boost, do_task, tasks, videos
from tests.kit.words import START
from tests.kit.world import Person, World


async def test_six_sessions_three_boosts_twenty_tasks_and_the_bonus(world: World) -> None:
    world.deliveries = 2
    midnight = datetime.combine(utc_day(START), datetime.min.time(), START.tzinfo)
    midnight += timedelta(days=1)
    await world.live_until(midnight, timedelta(hours=1))
    person = await world.person(group_number=1)
    names = await videos(world)
    for number in range(6):
        assert (await person.mine())["status"] == "APPLIED"
        if number < 3:
            answered = await boost(person, names[number])
            assert answered["result"]["is_correct"] is True
        await work(person)
        await world.live_until(midnight + timedelta(hours=4 * (number + 1)))
    await world.live_until(utcnow() + timedelta(minutes=10), timedelta(minutes=1))

    assert {task["status"] for task in await tasks_of(person, midnight)} == {"COMPLETED"}
    sums = {
        r.type: int(r.amount)
        for r in await world.rows(
            "SELECT type, sum(amount) AS amount FROM transactions GROUP BY type"
        )
    }
    assert sums == {
        "MINING": 6 * 100_000_000,
        "BOOST": 3 * 150_000_000,
        "TASK": 8 * 2_000_000 + 6 * 1_500_000 + 4 * 2_500_000 + 2 * 3_000_000,
        "BONUS": 50_000_000,
    }
    assert await person.balance() == "1141.000000"
    assert await world.value("SELECT count(*) FROM achievements") == 1


async def work(person: Person) -> None:
    """Do what is available, up to a wave."""
    for task in [t for t in await tasks(person) if t["status"] == "AVAILABLE"]:
        await do_task(person, task)


async def tasks_of(person: Person, day: datetime) -> list[dict[str, object]]:
    """The tasks of a day that is over, as they stand in the books."""
    found = await person.world.rows(
        "SELECT status FROM daily_tasks WHERE day = :day", day=utc_day(day)
    )
    assert len(found) == 20
    return [{"status": "COMPLETED" if r.status == "CLAIMED" else r.status} for r in found]
