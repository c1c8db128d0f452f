"""One seed from its beginning to its verdict."""

import traceback
from datetime import datetime, timedelta
from random import Random
from typing import Any

from msgspec import Struct

from engine.core.piece import Piece
from engine.core.timeline import boundary_at_or_before
from models.base.db import connected, rows, sql
from models.intents.follow_ups import deliver_overdue
from runtime import clock
from schedules.due import DueWork
from trials.simulation.accounts import Account
from trials.simulation.arena import BEGIN, Arena
from trials.simulation.clocks import ProcessClock, clock_of_task, now_of_task
from trials.simulation.database import Completed, FailingDatabase, Recorded
from trials.simulation.earning import Moderator
from trials.simulation.groups import Mover, crowd, sign_up
from trials.simulation.lives import give, live
from trials.simulation.members import Line, Phone
from trials.simulation.partner import Partner
from trials.simulation.processes import (
    Api,
    Clock,
    Network,
    Process,
    Relay,
    Worker,
    coin_entries,
    make_workshop,
)
from trials.simulation.seed import Seed
from trials.simulation.verdict import judge, stale_copies
from workers.apply import drain

VISIT_HOURS = 4
CALM = timedelta(minutes=22)  # without faults: the relays find what was lost
END_HOURS = (0, 2, 4.2, 4.5)
MOVES_OFTEN = 0.15

DUE_PIECES = sql("""
    SELECT DISTINCT group_number, bucket FROM intents
    WHERE status = 'RECORDED' AND due_at <= :now ORDER BY group_number, bucket
""")


class Result(Struct, frozen=True):
    """What a seed came to. `problems` is empty when all is right."""

    number: int
    problems: list[str]
    digest: str
    faults: dict[str, int]
    acts: dict[str, int]
    outcomes: dict[str, int]
    trace: list[str]
    is_broken: bool = False  # it did not come to its end


async def run_seed(arena: Arena, number: int) -> Result:
    """Live one seed. The same number does exactly the same."""
    random = Random(f"twtc:start:{number}")  # noqa: S311
    start = BEGIN + timedelta(minutes=random.randrange(24 * 60))
    seed = Seed(number, start, arena.facts, arena.monitor)
    problems: list[str] = []
    is_broken = False
    with clock.use(now_of_task, seed.ids.getrandbits):
        clock_of_task.set(ProcessClock(seed, is_true=True))
        since = boundary_at_or_before(start, arena.table.timing.tick_seconds)
        await arena.empty(since)
        try:
            accounts = await _live(arena, seed, random)
            problems = seed.problems + await judge(arena, seed, accounts, since)
            # Everything stops at once, wherever it is; then the last sessions end.
            await seed.scheduler.close()
            seed.scheduler.spawn(_let_end(arena, seed))
            await seed.scheduler.run(seed.scheduler.now + timedelta(hours=END_HOURS[-1] + 1))
            problems += await judge(arena, seed, accounts, since, is_over=True)
        except Exception as error:
            is_broken = True
            problems.append("".join(traceback.format_exception(error)[-4:]).strip())
        finally:
            await seed.scheduler.close()
    trace = list(seed.shown) if problems else []
    acts = _acts(seed)
    return Result(
        number,
        problems,
        seed.digest,
        dict(seed.faults.counts),
        acts,
        dict(seed.outcomes),
        trace,
        is_broken,
    )


def _acts(seed: Seed) -> dict[str, int]:
    batches = [entry for entry in seed.history if isinstance(entry, Completed)]
    recorded = [entry for entry in seed.history if isinstance(entry, Recorded)]
    return {
        "answers seen by phones and partners": len(seed.acknowledged) + len(seed.confirmed),
        "intents of members": len(recorded),
        "batches": len(batches),
        "waits for a lock": seed.lock_waits,
    }


async def _live(arena: Arena, seed: Seed, random: Random) -> list[Account]:
    network = Network(seed)
    processes, apis = _start_processes(arena, seed, network)
    line = Line(seed, apis)
    partner = Partner(seed, line, arena.config)
    accounts = await sign_up(arena, seed, random)

    async def look_at_copies() -> None:
        seed.problems += await stale_copies(arena, accounts)

    seed.at_death = look_at_copies
    if random.random() < MOVES_OFTEN:
        await crowd(arena, seed, accounts[0].user)
        processes.append(Mover("mover", arena.connections[-1:], seed, arena.services))
    visits = random.choice((1, 1, 1, 2))
    for process in processes:
        seed.scheduler.spawn(process.live())
    for account in accounts:
        names = [f"{account.user}"]
        if random.random() < 0.15:
            names.append(f"{account.user}-b")
        for name in names:
            phone = Phone(name, account.user, seed, line, partner)
            seed.scheduler.spawn(live(phone, arena, visits), random.uniform(0, 2))
        giver = Phone(f"{account.user}-gifts", account.user, seed, line, partner)
        people = [somebody.user for somebody in accounts]
        seed.scheduler.spawn(give(giver, arena, people), 2)
    await seed.scheduler.run(seed.scheduler.now + timedelta(hours=VISIT_HOURS * visits + 2))
    seed.faults.is_calm = True
    await seed.scheduler.run(seed.scheduler.now + CALM)
    return accounts


def _start_processes(arena: Arena, seed: Seed, network: Network) -> tuple[list[Process], list[Api]]:
    free, services = iter(arena.connections), arena.services

    def some(count: int) -> list[Any]:
        return [next(free) for _ in range(count)]

    workers = [Worker(f"worker-{n}", some(2), seed, services, network) for n in (1, 2)]
    clocks = [Clock(f"clock-{n}", some(2), seed, services, network) for n in (1, 2)]
    relays = [Relay(f"relay-{n}", some(1), seed, network) for n in (1, 2)]
    moderators = [Moderator(f"moderator-{n}", some(1), seed, network) for n in (1, 2)]
    apis = [
        Api(f"api-{n}", some(2), seed, services, app, network)
        for n, app in enumerate(arena.apps, start=1)
    ]
    return [*workers, *clocks, *relays, *moderators, *apis], apis


async def _let_end(arena: Arena, seed: Seed) -> None:
    """Hours later, without a fault: whatever runs ends, and is settled."""
    database = FailingDatabase("last", arena.connections[:2], seed)
    shop = make_workshop(database, arena.services, seed)
    due_work = DueWork(database, coin_entries(arena.table))
    began_at = seed.scheduler.now
    for hours in END_HOURS:
        await seed.scheduler.sleep_until(began_at + timedelta(hours=hours))
        await due_work.record(seed.scheduler.now)
        await deliver_overdue(database, seed.scheduler.now)
        while pieces := await _due_pieces(database, seed.scheduler.now):
            for piece in pieces:
                await drain(shop, piece)


async def _due_pieces(database: FailingDatabase, now: datetime) -> list[Piece]:
    async with connected(database) as connection:
        found = await rows(connection, DUE_PIECES, {"now": now})
    return [Piece(row.group_number, row.bucket) for row in found]
