"""Programs to learn from: tactics that are published, each with a rate and a rest of its own.

Fixed and jittered timers, delays of a bell curve, recordings played again, farms of devices, answer
banks, language models, miners, and hands hired to work down a wall of phones.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from engine.fraud.anomaly.acts import AD_DONE, MINE, TASK, TASK_ANSWER, TASK_READ, Act
from workers.scoring.example_people import PEOPLE
from workers.scoring.example_world import (
    DAYS,
    OPEN_SECONDS,
    Diary,
    Maker,
    draw_tasks,
    make_device,
    make_ip,
    openings,
    pick_group,
)

Wait = Callable[[Random], float]
ALL_WINDOWS = (0, 1, 2, 3, 4, 5)


class Script:
    """A program. `wait` gives its pauses; the rest is how it answers, rests and hides."""

    def __init__(
        self,
        random: Random,
        wait: Wait,
        windows: Sequence[int],
        *,
        skill: float = 0.97,
        answer: Wait | None = None,
        devices: int = 1,
        addresses: int = 1,
        tasks: int = 4,
        phase: Wait | None = None,
    ) -> None:
        self.random, self.wait, self.windows, self.skill = random, wait, windows, skill
        self.group = pick_group(random)
        self.think = answer or wait
        self.tasks = tasks
        self.phase = phase or (lambda r: r.uniform(0, 20))
        self.devices = [make_device(random) for _ in range(devices)]
        self.addresses = [make_ip(random) for _ in range(addresses)]

    def day(self) -> list[Act]:
        """One day's acts."""
        random, number, tasks = self.random, 0, draw_tasks(self.random)
        diary = Diary(None, None)
        for turn, opened in enumerate(openings(self.group)):
            if turn not in self.windows:
                continue
            diary.device, diary.ip = random.choice(self.devices), random.choice(self.addresses)
            phase = min(max(self.phase(random), 0.0), OPEN_SECONDS - 1)
            lag = self.wait(random) * 0.3
            at = opened + phase + 30 + lag
            diary.add(MINE, opened + phase, phase)
            diary.add(AD_DONE, at, lag)
            for kind in tasks[number : number + self.tasks]:
                number += 1
                at += self.wait(random)
                diary.add(TASK, at, number=number)
                at = self._task(diary, at, kind, number)
        return diary.acts

    def _task(self, diary: Diary, at: float, kind: str, number: int) -> float:
        pause = max(0.05, self.think(self.random))
        if kind == "quiz":
            is_right = self.random.random() < self.skill
            diary.answer(TASK_ANSWER, at + pause, pause, is_right, self.random, number)
            return at + pause
        done = AD_DONE if kind == "ad" else TASK_READ
        diary.add(done, at + 20 + pause, pause, number=number)
        return at + 20 + pause


def _script(make: Callable[[Random], Script]) -> Maker:
    def days(random: Random) -> list[list[Act]]:
        script = make(random)
        return [script.day() for _ in range(DAYS)]

    return days


def _replay(random: Random) -> list[list[Act]]:
    """A recorded day of a person, played again with a little noise."""
    recorded: list[Act] = []
    while len(recorded) < 12:
        recorded = max(random.choice(PEOPLE)(random)[:4], key=len)
    noise = random.choice((0.0, 0.1, 0.5, 1.0))
    return [[_moved(act, random.gauss(0, noise)) for act in recorded] for _ in range(DAYS)]


def _moved(act: Act, by: float) -> Act:
    late = None if act.latency is None else max(0.0, act.latency + by)
    rest: Any = (act.number, act.device, act.ip, act.network, act.question, act.choice)
    return Act(act.kind, max(0.0, act.at + by), act.result, late, *rest)


def _fixed(random: Random) -> Script:
    pause = random.uniform(1.1, 6)
    noise = random.choice((0.0, 0.01, 0.05))
    return Script(random, lambda r: pause + r.gauss(0, noise), ALL_WINDOWS)


def _jittered(random: Random) -> Script:
    low = random.uniform(1.2, 6)
    high = low * random.uniform(1.2, 2)
    late = random.choice((20, 60, 300))
    return Script(
        random, lambda r: r.uniform(low, high), ALL_WINDOWS, phase=lambda r: r.uniform(0, late)
    )


def _bell(random: Random) -> Script:
    """Delays of a bell curve and a night's rest: what guides call human-like."""
    centre, share = random.uniform(3, 9), random.uniform(0.1, 0.25)
    late = random.uniform(100, 1_100)
    return Script(
        random,
        lambda r: max(1.05, r.gauss(centre, centre * share)),
        random.sample(ALL_WINDOWS, random.choice((4, 5))),
        skill=random.uniform(0.88, 0.98),
        phase=lambda r: r.gauss(late, 120),
    )


def _many(random: Random) -> Script:
    """Many devices and proxies for one account, round the clock."""
    base, mode = random.uniform(1.2, 3), random.uniform(1.5, 3)
    return Script(
        random,
        lambda r: r.triangular(base, base * 4, base * mode),
        ALL_WINDOWS,
        skill=0.95,
        devices=random.randrange(4, 8),
        addresses=random.randrange(8, 24),
        phase=lambda r: r.uniform(0, 300),
    )


def _bank(random: Random) -> Script:
    """Quizzes from a bank of answers, at once."""
    quick = random.uniform(0.2, 0.6)
    return Script(
        random,
        lambda r: r.uniform(1.1, 6),
        ALL_WINDOWS[: random.randrange(4, 7)],
        skill=random.choice((0.97, 1.0)),
        answer=lambda r: r.uniform(quick, quick * 2),
        tasks=5,
    )


def _reader(random: Random) -> Script:
    """Reads the question from the screen and asks a language model: right, and as fast always."""
    centre = random.uniform(1.5, 3.5)
    return Script(
        random,
        lambda r: r.uniform(1.5, 5),
        ALL_WINDOWS,
        skill=0.98,
        answer=lambda r: r.gauss(centre, centre * 0.12),
        phase=lambda r: r.uniform(0, 120),
        tasks=5,
    )


def _miner(random: Random) -> Script:
    """An emulator that only mines, as each window opens."""
    late = random.uniform(1, 6)
    return Script(
        random,
        lambda r: r.uniform(0.8, 2),
        ALL_WINDOWS,
        tasks=0,
        phase=lambda r: r.uniform(0, late),
    )


def _hand(random: Random) -> Script:
    """Somebody paid for a wall of phones: quick, practised, in a shift, always the same way."""
    first, rate = random.randrange(6), random.uniform(1.0, 2.0)
    return Script(
        random,
        lambda r: 1.1 + r.expovariate(1 / rate),
        [(first + turn) % 6 for turn in range(3)],
        skill=0.99,
        answer=lambda r: 0.7 + r.expovariate(2 / rate),
        tasks=7,
        phase=lambda r: r.uniform(0, 900),
    )


PROGRAMS: tuple[Maker, ...] = (
    _script(_fixed),
    _script(_jittered),
    _script(_bell),
    _replay,
    _replay,  # the nearest to people: it counts twice
    _script(_many),
    _script(_bank),
    _script(_reader),
    _script(_miner),
    _script(_hand),
)
