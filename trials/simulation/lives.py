"""A member's life in a seed: some windows, and what comes between them."""

from datetime import timedelta

from engine.core.timeline import next_opening
from trials.simulation.arena import Arena
from trials.simulation.earning import boost, work
from trials.simulation.members import Phone


async def live(phone: Phone, arena: Arena, visits: int) -> None:
    """Come to some windows, mostly in time; boost and work while the session runs."""
    scheduler, random = phone.seed.scheduler, phone.random
    for _ in range(visits):
        group = await arena.group_of(phone.user_id)
        opens_at = next_opening(arena.table, group, scheduler.now)
        is_late = random.random() < 0.1
        seconds = random.uniform(1450, 2400) if is_late else random.uniform(-20, 1440)
        await scheduler.sleep_until(opens_at + timedelta(seconds=seconds))
        phone.seed.visitors += 1
        await _stay(phone)
        phone.seed.visitors -= 1


async def _stay(phone: Phone) -> None:
    random = phone.random
    for _ in range(random.choice((1, 1, 1, 2))):
        if await phone.mine():
            break
    for _ in range(random.choice((0, 0, 0, 0, 1, 1, 2, 4))):
        await boost(phone)
    if random.random() < 0.3:
        await work(phone, diligent=random.random() < 0.12)
