"""Farms of agents.

An agent asks a language model what to do: its pauses are a base and a time for each token. One
controller may drive a whole farm from one rack, account after account; or the same agent is sold to
fifty, each at home in another time zone.
"""

from collections.abc import Callable, Iterator
from math import log
from random import Random

from benchmarks.populations.bursts import HOUR, Life, Pause, days_of
from benchmarks.populations.contract import Account, openings, right_choice


class _Agent:
    """A language model's pace: a base, and a number of tokens at so many a second."""

    def __init__(self, random: Random) -> None:
        self.base = random.uniform(0.9, 2.5)
        self.rate = random.uniform(25, 90)
        self.tokens = {"read": 260, "think": 130, "ad": 20}
        self.right = random.uniform(0.8, 0.96)
        self.memory = Random(random.getrandbits(32))  # what it gets wrong, all its copies do
        self.wrong = {n: self.memory.random() > self.right for n in range(400)}

    def pause(self, random: Random) -> Pause:
        def pause(kind: str) -> float:
            tokens = random.gammavariate(3, self.tokens.get(kind, 80) / 3)
            return self.base + tokens / self.rate + random.expovariate(1 / 0.8)

        return pause


class _Driven(Life):
    """An account that an agent drives."""

    def __init__(self, random: Random, agent: _Agent, ips: list[str]) -> None:
        super().__init__(random, agent.pause(random), ips)
        self.agent = agent
        self.films, self.plays, self.left, self.shuffles = 0.8, 0.94, 0.03, 0.0

    def choose(self, question: str) -> int:
        """As the agent knows it, and seldom otherwise."""
        right = right_choice(question)
        if self.random.random() < 0.03:
            return self.random.randrange(4)
        return (right + 1) % 4 if self.agent.wrong[int(question[1:]) % 400] else right


def _serial(random: Random, size: int) -> Iterator[Callable[[int], list[float]]]:
    """One controller, account after account: each has its turn in every window it wakes for."""
    step = random.uniform(8, 25)
    offset = random.uniform(0, 200)
    for seat in range(size):

        def when(day: int, seat: int = seat) -> list[float]:
            late = offset + seat * step + random.expovariate(1 / 4)
            return [turn * 4 * HOUR + late for turn in range(1, 6)]

        yield when


def _own_zone(random: Random, life: Life) -> Callable[[int], list[float]]:
    zone = random.uniform(0, 24)
    delay = log(random.uniform(60, 400))

    def when(day: int) -> list[float]:
        opens = openings(1 + life.user % 10)
        awake = [o for o in opens if (o / HOUR - zone) % 24 < 17]
        return [o + min(1400.0, random.lognormvariate(delay, 0.7)) for o in awake]

    return when


def farms(random: Random, each: int, size: int) -> list[Account]:
    """Farms of one rack, of one agent sold to many, and of strangers with an agent each."""
    found: list[Account] = []
    for turn in range(each):
        for kind in ("farm (i)", "farm (ii)", "farm (iii)"):
            agent, first, rack = (
                _Agent(random),
                random.randrange(7),
                f"dc{random.getrandbits(20):x}",
            )
            turns = _serial(random, size)
            for _ in range(size):
                if kind == "farm (iii)":
                    agent, first = _Agent(random), random.randrange(7)
                ip = f"{rack}.{random.randrange(20)}"
                if kind != "farm (i)":
                    ip = f"res{random.getrandbits(22):x}.{random.randrange(256)}"
                life = _Driven(random, agent, [ip])
                when = next(turns) if kind == "farm (i)" else _own_zone(random, life)
                if kind == "farm (i)":
                    life.user -= life.user % 10  # one group, so that the turns are in its windows
                days = days_of(life, when, 0.0)
                name = f"bursts {kind} {turn}"
                found.append(Account(f"{kind}: agents", days, first, 0.0, "gmail.com", name))
    return found
