"""Bots that replay people with copied marginals.

A bot takes the recorded days of people of `chains`: pauses, latencies, hours, results; and draws
each anew and by itself from that record, so every histogram is a person's while nothing follows
from anything else.
"""

import bisect
import itertools
from random import Random

from benchmarks.populations import contract
from benchmarks.populations.chains import HOSTS, Chain, Here, live, router
from benchmarks.populations.contract import Account
from engine.fraud.anomaly.acts import Act


class _Record:
    """What was recorded of people: a histogram of everything."""

    def __init__(self, random: Random, chains: int) -> None:
        self.waits: dict[tuple[str, str], list[float]] = {}
        self.lags: dict[str, list[float]] = {}
        self.results: dict[str, list[str]] = {}
        self.starts: list[list[float]] = []
        self.lengths: list[int] = []
        # Nobody sells the record of somebody who hardly came.
        while chains > 0 or len(self.lengths) < 3:
            chains -= 1
            chain, user = Chain(random), random.getrandbits(48)
            for day in range(8):
                self._take(live(random, chain, user, day))

    def _take(self, acts: list[Act]) -> None:
        begun: list[float] = []
        length = 0
        for before, act in itertools.pairwise([None, *acts]):
            assert act is not None
            if before is None or act.at - before.at > 1500:
                begun.append(act.at)
                self.lengths.append(length)
                length = 0
            else:
                self.waits.setdefault((before.kind, act.kind), []).append(act.at - before.at)
            length += 1
            self.results.setdefault(act.kind, []).append(act.result)
            if act.latency is not None:
                self.lags.setdefault(act.kind, []).append(act.latency)
        if begun:
            self.starts.append(begun)
        self.lengths = [length for length in self.lengths if length > 2]

    def wait(self, random: Random, before: str, kind: str) -> float:
        """A recorded pause between two kinds of acts, smeared a little."""
        found = self.waits.get((before, kind)) or [5.0]
        return random.choice(found) * random.uniform(0.93, 1.07)

    def lag(self, random: Random, kind: str) -> float:
        """A recorded latency of a kind."""
        return random.choice(self.lags.get(kind) or [4.0]) * random.uniform(0.93, 1.07)

    def result(self, random: Random, kind: str) -> str:
        """A recorded result of a kind."""
        return random.choice(self.results.get(kind) or ["DONE"])


def _replay(
    random: Random, record: _Record, user: int, phone: str, ips: list[str]
) -> list[list[Act]]:
    return [_replayed_day(random, record, user, day, phone, ips) for day in range(contract.NIGHTS)]


def _replayed_day(
    random: Random, record: _Record, user: int, day: int, phone: str, ips: list[str]
) -> list[Act]:
    acts: list[Act] = []
    group, number = 1 + user % 10, 0
    opens, tasks = contract.openings(group), contract.tasks_of(user, day)
    # It does more than those it copies: two of their days in one.
    starts = sorted(random.choice(record.starts) + random.choice(record.starts))
    for recorded in starts:
        place = max(0, bisect.bisect(opens, recorded) - 1)
        at = opens[place] + random.uniform(5, 1400)
        if acts and at < acts[-1].at + 300:
            continue
        here = Here(acts, at, phone, random.choice(ips))
        here.add("mining.start", latency=at - opens[place])
        lag = record.lag(random, "ad.complete")
        here.at += 60 + lag
        here.add("ad.complete", latency=lag)
        for _ in range(random.choice(record.lengths) // 2 + 2):
            if number >= contract.TASKS:
                break
            number += 1
            _replayed_task(random, record, here, number, tasks[number - 1])
    return [act for act in acts if act.at < contract.DAY_SECONDS]


def _replayed_task(
    random: Random, record: _Record, here: Here, number: int, task: tuple[str, str]
) -> None:
    kind, subject = task
    here.at += record.wait(random, here.acts[-1].kind, "task.start")
    if record.result(random, "task.start") == "LEFT":
        here.add("task.start", "LEFT", number=number)
        return
    here.add("task.start", number=number)
    name = {"quiz": "task.answer", "read": "task.complete", "ad": "ad.complete"}[kind]
    lag = record.lag(random, name)
    here.at += {"quiz": 0, "read": 20, "ad": 25}[kind] + lag
    if kind != "quiz":
        here.add(name, latency=lag, number=number)
        return
    result, right = record.result(random, name), contract.right_choice(subject)
    choice = right if result == "DONE" else (right + random.randrange(1, 4)) % contract.OPTIONS
    here.add(name, result, latency=lag, number=number, question=subject, choice=choice)


def farms(random: Random, each: int, size: int) -> list[Account]:
    """Farms that replay one record, and lone replayers with a record each."""
    found: list[Account] = []
    for turn, kind in itertools.product(range(each), ("farm (i)", "farm (ii)", "farm (iii)")):
        name, shared = f"chains {kind} {turn}", _Record(random, 12)
        rack, first = f"rack-{random.getrandbits(28):x}", random.randrange(7)
        for seat in range(size):
            record = _Record(random, 1) if kind == "farm (iii)" else shared
            ips = [f"{rack}.{seat % 8}"] if kind == "farm (i)" else [router(random)]
            day = random.randrange(7) if kind == "farm (iii)" else first
            phone, user = f"d{random.getrandbits(44):x}", random.getrandbits(48)
            days = _replay(random, record, user, phone, ips)
            host = random.choice(HOSTS)
            found.append(Account(f"{kind}: replayers", days, day, 0.0, host, name))
    return found
