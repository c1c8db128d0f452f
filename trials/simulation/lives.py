"""A member's life in a seed: some windows, and what comes between them."""

from collections.abc import Sequence
from datetime import timedelta

from engine.core.timeline import next_opening
from trials.simulation.arena import Arena
from trials.simulation.earning import boost, work
from trials.simulation.members import Phone
from trials.simulation.sendings import SENDINGS

SENDS_MAX = 6
TWTC = 1_000_000
NOBODY = 64 * 64 * 64 * 64  # an id that is not given to anybody


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


async def give(phone: Phone, arena: Arena, people: Sequence[int]) -> None:
    """Send coins to others in the hours of the visit: all at once, now and then, or never."""
    scheduler, random = phone.seed.scheduler, phone.random
    group = await arena.group_of(phone.user_id)
    opens_at = next_opening(arena.table, group, scheduler.now)
    pause = random.choice((1, 20, 3600))
    await scheduler.sleep_until(opens_at + timedelta(seconds=random.uniform(0, 7200)))
    for _ in range(random.randrange(SENDS_MAX + 1)):
        others = [user_id for user_id in people if user_id != phone.user_id]
        likely = [*others * 4, NOBODY + random.randrange(64), phone.user_id]
        amount = random.choice((random.randint(1, 70 * TWTC), 30 * TWTC))
        body = {"kind": "coins.send", "to_user_id": random.choice(likely), "amount_micro": amount}
        await phone.ask(SENDINGS, body, is_awaited=random.random() < 0.5)
        await scheduler.sleep(random.uniform(0, pause))
