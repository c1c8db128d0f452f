"""People in bursts.

Interest feeds on itself: a visit makes another one soon more likely (a Hawkes process), and within
it hands are in a quick or a slow mode, with pauses of a power law now and then. Not everybody does
everything: some only mine, some only play the quizzes.
"""

from collections.abc import Callable
from math import exp
from random import Random

from benchmarks.populations.contract import (
    DAY_SECONDS,
    NIGHTS,
    OPEN_SECONDS,
    Account,
    network_of,
    openings,
    right_choice,
    tasks_of,
)
from engine.fraud.anomaly.acts import Act

HOUR = 3600.0
Pause = Callable[[str], float]


def _hawkes(random: Random, base: Callable[[float], float], feeds: float) -> list[float]:
    """Instants of a day by thinning: the base rate an hour, and an echo that fades in an hour."""
    at, found = 0.0, list[float]()
    ceiling = 1.6
    while True:
        at += random.expovariate(ceiling) * HOUR
        if at >= DAY_SECONDS:
            return found
        echo = sum(feeds * exp(-(at - t) / HOUR) for t in found)
        if random.random() * ceiling < min(ceiling, base(at / HOUR) + echo):
            found.append(at)


class _Hands:
    """Two modes and a tail: how somebody's pauses come about."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.quick, self.slow = random.uniform(1.3, 3.6), random.uniform(5, 16)
        self.stays = random.uniform(0.8, 0.97)
        self.is_quick = True

    def pause(self, kind: str) -> float:
        random = self.random
        if random.random() > self.stays:
            self.is_quick = not self.is_quick
        centre = self.quick if self.is_quick else self.slow
        if random.random() < 0.05:
            return centre + min(900.0, 8 * random.paretovariate(1.1))
        factor = {"read": 1.7, "think": 1.2, "ad": 0.35}.get(kind, 1.0)
        return 0.4 + random.weibullvariate(centre * factor, random.uniform(1.1, 1.9))


class Life:
    """Whoever acts: a user, a device, addresses, pauses, tastes."""

    def __init__(self, random: Random, pause: Pause, ips: list[str]) -> None:
        self.random, self.pause, self.ips = random, pause, ips
        self.user = random.getrandbits(48)
        self.phone = f"d{random.getrandbits(36):x}"
        self.mines, self.films, self.plays = 1.0, 0.3, 0.85
        self.right, self.left = 0.72, 0.05
        self.shuffles = 0.1
        self.pays_attention = 29.0

    def visit(self, acts: list[Act], at: float, state: dict[str, int], day: int) -> float:
        """Whatever is done from this instant on. Return when it ends."""
        random = self.random
        self.ip = random.choice(self.ips)
        opened = [o for o in openings(1 + self.user % 10) if o <= at < o + OPEN_SECONDS]
        if opened and random.random() < self.mines:
            self._add(acts, "mining.start", at, at - opened[0])
            lag = self.pause("ad")
            at += 60 + lag
            failed = random.random() < 0.03
            self._add(acts, "ad.complete", at, lag, result="FAILED" if failed else "DONE")
        while state["boosts"] < 3 and random.random() < self.films:
            state["boosts"] += 1
            at = self._film(acts, at + self.pause("choose"))
        tasks = tasks_of(self.user, day)
        while state["tasks"] < 20 and random.random() < self.plays:
            state["tasks"] += 1
            number = state["tasks"]
            if random.random() < self.shuffles:
                number = random.randrange(1, 21)
            at = self._task(acts, at + self.pause("choose"), number, tasks[number - 1])
        return at

    def _film(self, acts: list[Act], at: float) -> float:
        if self.random.random() < self.left * 2:
            self._add(acts, "boost.start", at, None, result="LEFT")
            return at + self.pause("read")
        self._add(acts, "boost.start", at, None)
        thought = min(self.pays_attention, self.pause("think"))
        at += self.random.choice((60, 110, 180, 260)) + thought
        self._answer(acts, "boost.answer", at, thought, f"v{self.random.randrange(60)}")
        return at

    def _task(self, acts: list[Act], at: float, number: int, task: tuple[str, str]) -> float:
        kind, subject = task
        if self.random.random() < self.left:
            self._add(acts, "task.start", at, None, number, result="LEFT")
            return at
        self._add(acts, "task.start", at, None, number)
        if kind == "quiz":
            thought = self.pause("think")
            at += thought
            self._answer(acts, "task.answer", at, thought, subject, number)
        else:
            lag = self.pause("read" if kind == "read" else "ad")
            at += 20 + lag + (5 if kind == "ad" else 0)
            self._add(acts, "task.complete" if kind == "read" else "ad.complete", at, lag, number)
        return at

    def _answer(
        self,
        acts: list[Act],
        kind: str,
        at: float,
        thought: float,
        question: str,
        number: int | None = None,
    ) -> None:
        choice = self.choose(question)
        result = "DONE" if choice == right_choice(question) else "WRONG"
        self._add(acts, kind, at, thought, number, result, question, choice)

    def choose(self, question: str) -> int:
        """The option that is taken: a right one, or a guess."""
        if self.random.random() < self.right:
            return right_choice(question)
        return self.random.randrange(4)

    def _add(
        self,
        acts: list[Act],
        kind: str,
        at: float,
        latency: float | None,
        number: int | None = None,
        result: str = "DONE",
        question: str | None = None,
        choice: int | None = None,
    ) -> None:
        where = (self.phone, self.ip, network_of(self.ip))
        acts.append(Act(kind, at, result, latency, number, *where, question, choice))  # type: ignore[arg-type]


def _person(random: Random) -> tuple[Life, Callable[[int], list[float]]]:
    isp = random.randrange(60)
    homes = [f"isp{isp}-{random.randrange(900)}.{random.randrange(256)}" for _ in range(2)]
    life = Life(random, _Hands(random).pause, homes[: random.choice((1, 1, 2))])
    life.films, life.plays = random.betavariate(2, 4), random.betavariate(8, 1.8)
    life.right, life.left = random.betavariate(7, 3.5), random.betavariate(1.3, 16)
    life.shuffles = random.betavariate(1.5, 7)
    taste = random.random()
    if taste < 0.1:
        life.plays = 0.05  # only mines
    elif taste < 0.16:
        life.mines, life.plays = 0.3, 0.97  # only plays
    rate, feeds = _rate(random), random.uniform(0.1, 0.6)
    told = random.random() < 0.5
    phase = random.uniform(0, 1300)

    def when(day: int) -> list[float]:
        if day and random.random() < 0.07:
            return []
        times = _hawkes(random, rate, feeds)
        if told:  # at the reminder that follows, soon or late
            opens = openings(1 + life.user % 10)
            times = [min((o + phase for o in opens if o + phase >= t), default=t) for t in times]
            times = [t + random.lognormvariate(3.6, 1.4) for t in sorted(set(times))]
        return times

    return life, when


def _rate(random: Random) -> Callable[[float], float]:
    peak, width = random.gauss(19, 3.2) % 24, random.uniform(1.5, 4)
    level = random.uniform(0.12, 0.4)

    def rate(hour: float) -> float:
        away = min((hour - peak) % 24, (peak - hour) % 24)
        return level * (0.12 + exp(-((away / width) ** 2)))

    return rate


def people(random: Random, each: int) -> list[Account]:
    """So many times seven people of every taste."""
    found = []
    for _ in range(each * 7):
        life, when = _person(random)
        born = random.uniform(0, 22) * HOUR
        kind = "person: burst"
        days = days_of(life, when, born)
        domain = random.choice(
            ("gmail.com", "gmail.com", "qq.com", "web.de", f"d{life.user}.example")
        )
        found.append(Account(kind, days, random.randrange(7), born, domain))
    return found


def days_of(life: Life, when: Callable[[int], list[float]], born: float) -> list[list[Act]]:
    days = []
    for day in range(NIGHTS):
        acts, state, until = list[Act](), {"tasks": 0, "boosts": 0}, born if day == 0 else 0.0
        for at in when(day):
            if at > until:
                until = life.visit(acts, at, state, day) + 30
        days.append([act for act in acts if act.at < DAY_SECONDS])
    return days
