"""A day's figures: exact, computed once by the timetable, readable for any day."""

from datetime import date, datetime, timedelta

from engine.core.timeline import utc_day
from models.operations.facts import compute_facts, count_so_far, read_facts
from runtime.clock import utcnow
from tests.kit.day import boost, do_task, tasks, videos
from tests.kit.words import START
from tests.kit.world import Person, World

MIDNIGHT = datetime.combine(utc_day(START) + timedelta(days=1), datetime.min.time(), START.tzinfo)
DAY = utc_day(MIDNIGHT)


async def live_a_day(world: World, person: Person, first_task: bool = True) -> None:
    await world.go_to(person.next_opening())
    assert (await person.mine())["status"] == "APPLIED"
    if first_task:
        await boost(person, (await videos(world))[0])
        for task in [t for t in await tasks(person) if t["status"] == "AVAILABLE"]:
            await do_task(person, task)


async def test_a_days_figures_are_exact(world: World) -> None:
    await world.go_to(MIDNIGHT)
    miner, idler = await world.people(2)
    await live_a_day(world, miner)
    await world.go_to(MIDNIGHT + timedelta(hours=23))
    await world.go_to(MIDNIGHT + timedelta(days=1, minutes=41))  # the timetable computes it
    facts = await read_facts(world.database, DAY)
    assert facts is not None
    assert facts.by_label("users") == {
        "registered": 2,
        "total": 2,
        "active": 1,
        "active_month": 1,
    }
    claimed = await world.rows(
        "SELECT category, count(*) AS n FROM daily_tasks WHERE status = 'CLAIMED' GROUP BY 1"
    )
    assert facts.by_label("tasks_claimed") == {row.category: row.n for row in claimed}
    assert facts.by_label("boosts") == {"begun": 1, "watched": 1, "answered": 1, "paid": 1}
    assert facts.by_label("sessions") == {"requested": 1, "mined": 1}
    coins = facts.by_label("coins_micro")
    assert (coins["MINING:house"], coins["BOOST:content"]) == (100_000_000, 150_000_000)
    views = await world.value("SELECT count(*) FROM ad_views WHERE status = 'VERIFIED'")
    assert facts.by_label("ads_completed") == {"house": views}
    assert facts.by_label("revenue_micro_usd") == {"house": 3_000 * views}
    ratios = facts.ratios()
    assert (ratios["dau_mau"], ratios["sessions_per_user"]) == (1.0, 1.0)
    assert (ratios["ad_completion"], ratios["boost_completion"]) == (1.0, 1.0)
    assert idler.id != miner.id


async def test_what_is_counted_so_far_is_what_the_day_will_say(world: World) -> None:
    await world.go_to(MIDNIGHT)
    miner, _ = await world.people(2)
    await live_a_day(world, miner)
    so_far = await count_so_far(world.database, DAY)
    assert await world.value("SELECT count(*) FROM daily_facts WHERE day = '2026-03-02'") == 0
    assert so_far.by_label("users") == {
        "registered": 2,
        "total": 2,
        "active": 1,
        "active_month": 1,
    }
    assert so_far.by_label("boosts")["paid"] == 1
    await compute_facts(world.database, DAY, utcnow())
    whole = await read_facts(world.database, DAY)
    assert whole is not None
    retention = {key for key in whole.values if key[0].startswith("retention")}
    assert {k: v for k, v in whole.values.items() if k not in retention} == dict(so_far.values)


async def test_computing_a_day_again_changes_nothing(world: World) -> None:
    await world.go_to(MIDNIGHT)
    await live_a_day(world, await world.person(), first_task=False)
    await compute_facts(world.database, DAY, utcnow())
    before = await read_facts(world.database, DAY)
    await compute_facts(world.database, DAY, utcnow())
    assert await read_facts(world.database, DAY) == before


async def test_a_day_that_was_not_computed_has_no_figures(world: World) -> None:
    assert await read_facts(world.database, date(2020, 1, 1)) is None


async def test_a_day_with_nobody_divides_by_nothing(world: World) -> None:
    await compute_facts(world.database, date(2020, 1, 1), utcnow())
    facts = await read_facts(world.database, date(2020, 1, 1))
    assert facts is not None and facts.value("users", "active") == 0
    assert set(facts.ratios().values()) == {None}


async def test_retention_is_who_comes_back_after_so_many_days(world: World) -> None:
    await world.go_to(MIDNIGHT)
    faithful, fickle = await world.people(2)
    for person in (faithful, fickle):
        await live_a_day(world, person, first_task=False)
    for days in (1, 7, 30):
        back_at = MIDNIGHT + timedelta(days=days)
        await world.go_to(back_at)
        await live_a_day(world, faithful, first_task=False)
        await compute_facts(world.database, DAY + timedelta(days=days), utcnow())
        facts = await read_facts(world.database, DAY + timedelta(days=days))
        assert facts is not None
        assert facts.by_label(f"retention_{days}") == {"registered": 2, "active": 1}
        assert facts.ratios()[f"retention_{days}"] == 0.5
    assert facts is not None and facts.value("users", "active_month") == 1
