"""Accounts to learn from: people of several habits, and programs of known tactics.

A real population has few labels, and those late. So a model learns programs from tactics that are
published (fixed and jittered timers, delays drawn from a bell curve, replayed recordings, farms of
devices, answer banks), and people from these examples until there are enough of its own.
`benchmarks/fraud_population.py` is written another way and only measures.
"""

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from engine.anomaly.acts import Act, Day, measure

DAYS = 7
DAY_SECONDS = 86_400.0
WINDOW_SECONDS = 4 * 3600.0

Maker = Callable[[Random, int], list[list[Act]]]


def examples(seed: int, people: int, programs: int) -> tuple[list[list[Day]], list[bool]]:
    """Seven days of that many people and programs, and for each whether it is a program."""
    random = Random(seed)  # noqa: S311
    accounts, labels = [], []
    for makers, count, label in ((PEOPLE, people, False), (PROGRAMS, programs, True)):
        for number in range(count):
            days = makers[number % len(makers)](random, DAYS)
            accounts.append([measure(acts) for acts in days])
            labels.append(label)
    return accounts, labels


class Habits:
    """How somebody goes about a day. Pauses are log-normal: many short, some very long."""

    def __init__(
        self,
        random: Random,
        visits: Sequence[float],
        pause: float,
        spread: float,
        skill: float,
        patience: float,
    ) -> None:
        self.random = random
        self.visits = visits  # hours of the day, about
        self.pause = math.log(pause * random.lognormvariate(0, 0.3))
        self.spread = spread * random.uniform(0.45, 1.1)  # some are as steady as a clock
        self.skill = skill
        self.patience = patience
        self.jitter = random.uniform(0.15, 1.6)  # hours: clockwork people exist
        # Many start when they are reminded, which is at the same phase of every window.
        self.reminded = random.uniform(0, 0.9) if random.random() < 0.4 else None
        self.device = f"d{random.getrandbits(40)}"
        self.home = f"i{random.getrandbits(40)}"

    def day(self) -> list[Act]:
        """One day's acts."""
        acts: list[Act] = []
        for hour in self.visits:
            if self.random.random() < 0.15:
                continue
            at = self._begin(hour)
            self._visit(acts, at)
        return acts

    def _begin(self, hour: float) -> float:
        if self.reminded is not None and self.random.random() < 0.7:
            window = hour * 3600 // WINDOW_SECONDS * WINDOW_SECONDS
            late = self.random.expovariate(1 / 240)
            return (window + self.reminded * WINDOW_SECONDS + late) % DAY_SECONDS
        return (hour + self.random.gauss(0, self.jitter)) % 24 * 3600

    def _wait(self, scale: float = 1.0) -> float:
        return self.random.lognormvariate(self.pause, self.spread) * scale

    def _visit(self, acts: list[Act], at: float) -> None:
        ip = self.home if self.random.random() < 0.7 else f"i{self.random.getrandbits(8)}"

        def add(kind: str, result: str = "DONE", **more: float | int) -> None:
            if at < DAY_SECONDS:
                acts.append(Act(kind, at, result, device=self.device, ip=ip, **more))  # type: ignore[arg-type]

        add("mining.start", latency=at % WINDOW_SECONDS)
        at += 60 + (lag := 0.4 + self._wait(0.4))
        add("ad.complete", "DONE" if self.random.random() < 0.95 else "FAILED", latency=lag)
        for _ in range(self.random.randrange(0, 2)):
            at += self._wait(2)
            left = self.random.random() > self.patience
            add("boost.start", "LEFT" if left else "DONE")
            if not left:
                at += self.random.uniform(60, 300)
                answer = 1.5 + self._wait(0.6)
                at += answer
                add("boost.answer", self._answer(), latency=min(answer, 29.0))
        number = self.random.randrange(1, 16)
        for _ in range(self.random.randrange(0, 6)):
            at += self._wait()
            number = number + 1 if self.random.random() < 0.7 else self.random.randrange(1, 21)
            left = self.random.random() > self.patience
            add("task.start", "LEFT" if left else "DONE", number=min(number, 20))
            if left:
                continue
            if self.random.random() < 0.5:
                read = 2 + self._wait(3)
                at += 20 + read
                add("task.complete", latency=read, number=min(number, 20))
            else:
                answer = 1.5 + self._wait(0.6)
                at += answer
                add("task.answer", self._answer(), latency=answer, number=min(number, 20))

    def _answer(self) -> str:
        return "DONE" if self.random.random() < self.skill else "WRONG"


def _habit(
    visits: Sequence[float], pause: float, spread: float, skill: float, patience: float
) -> Maker:
    def make(random: Random, days: int) -> list[list[Act]]:
        person = Habits(random, visits, pause, spread, skill, patience)
        return [person.day() for _ in range(days)]

    return make


PEOPLE: tuple[Maker, ...] = (
    _habit((7.5, 12.5, 18.5), 6, 0.8, 0.7, 0.9),  # commuter
    _habit((21, 23, 1), 5, 0.9, 0.75, 0.85),  # night owl
    _habit((9, 13, 17, 21, 23), 4, 0.7, 0.85, 0.97),  # keen collector of everything
    _habit((10, 16), 14, 0.9, 0.6, 0.8),  # elderly, slow
    _habit((8, 15, 20), 2.5, 0.6, 0.8, 0.9),  # student, quick
    _habit((19,), 8, 1.1, 0.65, 0.6),  # now and then
    _habit((0.5, 4.5, 8.5, 12.5, 16.5, 20.5), 5, 0.8, 0.75, 0.9),  # shift worker, all sessions
)


class Script:
    """A program. `wait` gives its pauses; the rest is how it answers, rests and hides."""

    def __init__(
        self,
        random: Random,
        wait: Callable[[Random], float],
        hours: Sequence[float],
        *,
        skill: float = 0.97,
        answer: Callable[[Random], float] | None = None,
        devices: int = 1,
        addresses: int = 1,
        tasks: int = 6,
        phase: Callable[[Random], float] | None = None,
    ) -> None:
        self.random, self.wait, self.hours, self.skill = random, wait, hours, skill
        self.answer = answer or wait
        self.tasks = tasks
        self.phase = phase or (lambda r: r.uniform(0, 20))
        self.devices = [f"d{random.getrandbits(40)}" for _ in range(devices)]
        self.addresses = [f"i{random.getrandbits(40)}" for _ in range(addresses)]

    def day(self) -> list[Act]:
        """One day's acts."""
        acts: list[Act] = []
        random, number = self.random, 1
        for hour in self.hours:
            phase = self.phase(random)
            at = hour * 3600 + phase
            who: dict[str, Any] = {
                "device": random.choice(self.devices),
                "ip": random.choice(self.addresses),
            }
            acts.append(Act("mining.start", at, "DONE", latency=phase, **who))
            lag = self.wait(random) * 0.3
            at += 60 + lag
            acts.append(Act("ad.complete", at, "DONE", latency=lag, **who))
            for _ in range(self.tasks):
                if number > 20:
                    break
                at += self.wait(random)
                acts.append(Act("task.start", at, "DONE", number=number, **who))
                pause = self.answer(random)
                if random.random() < 0.5:
                    at += 20 + pause
                    acts.append(Act("task.complete", at, "DONE", pause, number, **who))
                else:
                    at += pause
                    result = "DONE" if random.random() < self.skill else "WRONG"
                    acts.append(Act("task.answer", at, result, pause, number, **who))  # type: ignore[arg-type]
                number += 1
        return [act for act in acts if act.at < DAY_SECONDS]


ALL_WINDOWS = (0.0, 4.0, 8.0, 12.0, 16.0, 20.0)


def _script(make: Callable[[Random], Script]) -> Maker:
    def days(random: Random, count: int) -> list[list[Act]]:
        script = make(random)
        return [script.day() for _ in range(count)]

    return days


def _replay(random: Random, days: int) -> list[list[Act]]:
    """A recorded day of a person, played again with a little noise."""
    recorded = PEOPLE[random.randrange(len(PEOPLE))](random, 1)[0]
    return [
        [
            Act(a.kind, a.at + random.gauss(0, 0.3), a.result, a.latency, a.number, a.device, a.ip)
            for a in recorded
        ]
        for _ in range(days)
    ]


def _fixed(random: Random) -> Script:
    pause = random.uniform(1.2, 4)
    return Script(random, lambda r: pause, ALL_WINDOWS)


def _jittered(random: Random) -> Script:
    base = random.uniform(1.5, 5)
    return Script(random, lambda r: base * r.uniform(0.8, 1.2), ALL_WINDOWS)


def _bell(random: Random) -> Script:
    """Delays of a bell curve and a night's rest: what guides call human-like."""
    centre = random.uniform(3, 8)
    return Script(
        random,
        lambda r: max(1.05, r.gauss(centre, centre * 0.2)),
        random.sample(ALL_WINDOWS[1:], 4),
        skill=0.9,
        phase=lambda r: max(0.0, r.gauss(600, 120)),
    )


def _farm(random: Random) -> Script:
    """Many devices and proxies for one account, round the clock."""
    base = random.uniform(1.2, 3)
    return Script(
        random, lambda r: base * r.uniform(0.7, 1.5), ALL_WINDOWS, devices=5, addresses=12, tasks=4
    )


def _bank(random: Random) -> Script:
    """Quizzes from a bank of answers, at once."""
    return Script(
        random,
        lambda r: r.uniform(1.1, 6),
        ALL_WINDOWS[:4],
        skill=1.0,
        answer=lambda r: r.uniform(0.3, 0.9),
        tasks=8,
    )


def _headless(random: Random) -> Script:
    """An emulator that only mines, as each window opens."""
    return Script(random, lambda r: r.uniform(1, 2), ALL_WINDOWS, tasks=0)


PROGRAMS: tuple[Maker, ...] = (
    _script(_fixed),
    _script(_jittered),
    _script(_bell),
    _replay,
    _script(_farm),
    _script(_bank),
    _script(_headless),
)
