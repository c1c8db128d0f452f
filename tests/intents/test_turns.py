"""Bells of one bucket: one is worked for, one waits, and the waiting one answers the others."""

import asyncio

from workers.turns import Turns


async def test_one_works_one_waits_and_the_others_leave() -> None:
    turns, running, most = Turns(), 0, 0
    answers: list[bool] = []
    begun = {bucket: asyncio.Event() for bucket in (3, 4)}
    may_end = asyncio.Event()

    async def answer(bucket: int) -> None:
        nonlocal running, most
        async with turns.turn(bucket) as is_ours:
            answers.append(is_ours)
            if is_ours:
                running += 1
                most = max(most, running)
                begun[bucket].set()
                await may_end.wait()
                running -= 1

    bells = [asyncio.create_task(answer(3)) for _ in range(5)]
    await begun[3].wait()
    other = asyncio.create_task(answer(4))
    await begun[4].wait()  # another bucket waits for nobody
    assert answers == [True, False, False, False, True]
    may_end.set()
    await asyncio.gather(*bells, other)
    assert answers.count(True) == 3
    assert most == 2


async def test_who_gives_up_waiting_lets_the_next_wait() -> None:
    turns, may_end = Turns(), asyncio.Event()

    async def answer() -> bool:
        async with turns.turn(1) as is_ours:
            if is_ours:
                await may_end.wait()
            return is_ours

    first = asyncio.create_task(answer())
    second = asyncio.create_task(answer())
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    third = asyncio.create_task(answer())
    await asyncio.sleep(0)
    may_end.set()
    assert all(await asyncio.gather(first, third))
