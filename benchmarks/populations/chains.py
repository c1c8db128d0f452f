"""People as semi-Markov chains.

A person is a matrix of what comes after what, and a gamma-distributed time in each state; visits
come by a rate over the day that is a sum of two bells of their own. `replays` copies them.
"""

import math
from random import Random

from benchmarks.populations import contract
from benchmarks.populations.contract import Account
from engine.fraud.anomaly.acts import Act

_NEXT = ("task", "boost", "leave")
HOSTS = ("gmail.com", "gmail.com", "gmail.com", "yahoo.com", "web.example", "post.example")
_PROVIDERS = [f"p{n}" for n in range(40)]


class Chain:
    """One person's matrix, times and clock."""

    def __init__(self, random: Random) -> None:
        task, boost, leave = (
            random.uniform(3, 14),
            random.uniform(0.2, 1.6),
            random.uniform(0.6, 2.5),
        )
        self.weights = (task, boost, leave)
        self.shape = {kind: random.uniform(0.9, 2.6) for kind in ("pause", "ad", "read", "think")}
        centre = math.exp(random.gauss(1.55, 0.45))
        self.scale = {"pause": centre, "ad": 1.6, "read": centre * 1.9, "think": centre * 1.15}
        morning = random.uniform(6, 12)
        self.bells = (
            (morning, random.uniform(0.5, 2.2)),
            (morning + 9.5, random.uniform(0.6, 2.4)),
        )
        self.visits = random.uniform(1.1, 4.4)
        self.regular = random.random() < 0.3  # opens the app when the phone rings
        self.ring = random.uniform(0, 1380)
        self.skips = random.betavariate(1.3, 14)
        self.right = random.betavariate(5, 2)
        self.jumps = random.betavariate(1.2, 6)
        self.phone = f"d{random.getrandbits(44):x}"
        self.routers = [router(random) for _ in range(random.choice((1, 1, 2, 3)))]

    def takes(self, random: Random, kind: str) -> float:
        """Seconds in a state; now and then something comes between."""
        shape = self.shape[kind]
        seconds = random.gammavariate(shape, self.scale[kind] / shape) + 0.45
        return seconds + (random.expovariate(1 / 90) if random.random() < 0.045 else 0.0)


def router(random: Random) -> str:
    return f"{random.choice(_PROVIDERS)}-{random.randrange(4000)}.{random.randrange(250)}"


def _visits(random: Random, chain: Chain, group: int) -> list[float]:
    times = []
    for _ in range(_poisson(random, chain.visits * random.choice((0.5, 1, 1, 1.2)))):
        centre, width = random.choice(chain.bells)
        at = random.gauss(centre, width) % 24 * 3600
        opened = [o for o in contract.openings(group) if o <= at < o + contract.OPEN_SECONDS]
        if not opened and (chain.regular or random.random() < 0.55):
            coming = [o for o in contract.openings(group) if o > at]
            if coming:
                at = coming[0] + (chain.ring if chain.regular else random.uniform(0, 1300))
                at += random.expovariate(1 / 150)
        times.append(at)
    return sorted(times)


def _poisson(random: Random, mean: float) -> int:
    limit, count, product = math.exp(-mean), 0, random.random()
    while product > limit:
        count, product = count + 1, product * random.random()
    return count


def live(random: Random, chain: Chain, user: int, day: int) -> list[Act]:
    """One day of a chain."""
    group, number, boosts, until = 1 + user % 10, 0, 0, -1.0
    tasks = contract.tasks_of(user, day)
    acts: list[Act] = []
    for at in _visits(random, chain, group):
        if at <= until:
            continue
        ip = random.choice(chain.routers)
        here = Here(acts, at, chain.phone, ip)
        late = min((at - o for o in contract.openings(group) if o <= at), default=99_999.0)
        if late < contract.OPEN_SECONDS:
            here.add("mining.start", latency=late)
            lag = chain.takes(random, "ad") * 0.7
            here.at += 60 + lag
            here.add("ad.complete", latency=lag)
        while True:
            step = random.choices(_NEXT, chain.weights)[0]
            if step == "leave" or (step == "task" and number >= contract.TASKS):
                break
            here.at += chain.takes(random, "pause")
            if step == "boost":
                if boosts < 3:
                    boosts += _boost(random, chain, here)
                continue
            number += 1
            shown = number
            if random.random() < chain.jumps:
                shown = random.randrange(1, contract.TASKS + 1)
            _task(random, chain, here, shown, tasks[shown - 1])
        until = here.at
    return [act for act in acts if act.at < contract.DAY_SECONDS]


class Here:
    """Where and when a visit is."""

    def __init__(self, acts: list[Act], at: float, phone: str, ip: str) -> None:
        self.acts, self.at, self.phone, self.ip = acts, at, phone, ip

    def add(
        self,
        kind: str,
        result: str = "DONE",
        *,
        latency: float | None = None,
        number: int | None = None,
        question: str | None = None,
        choice: int | None = None,
    ) -> None:
        network = contract.network_of(self.ip)
        act = Act(
            kind,
            self.at,
            result,  # type: ignore[arg-type]
            latency,
            number,
            self.phone,
            self.ip,
            network,
            question,
            choice,
        )
        self.acts.append(act)


def _boost(random: Random, chain: Chain, here: Here) -> int:
    if random.random() < 0.1:
        here.add("boost.start", "LEFT")
        here.at += chain.takes(random, "read") * 3
        return 0
    here.add("boost.start")
    here.at += random.choice((80, 130, 130, 220, 400)) + random.expovariate(1 / 6)
    thought = min(29.5, chain.takes(random, "think"))
    here.at += thought
    _answered(random, chain, here, "boost.answer", f"v{random.randrange(60)}", thought, None)
    return 1


def _task(random: Random, chain: Chain, here: Here, number: int, task: tuple[str, str]) -> None:
    kind, subject = task
    if random.random() < chain.skips:
        here.add("task.start", "LEFT", number=number)
        return
    here.add("task.start", number=number)
    if kind == "quiz":
        thought = chain.takes(random, "think")
        here.at += thought
        _answered(random, chain, here, "task.answer", subject, thought, number)
        return
    lag = chain.takes(random, "read" if kind == "read" else "ad")
    here.at += (20 if kind == "read" else 25) + lag
    here.add("task.complete" if kind == "read" else "ad.complete", latency=lag, number=number)


def _answered(
    random: Random,
    chain: Chain,
    here: Here,
    kind: str,
    question: str,
    thought: float,
    number: int | None,
) -> None:
    choice = contract.right_choice(question)
    if random.random() >= chain.right:
        choice = (choice + random.randrange(1, contract.OPTIONS)) % contract.OPTIONS
    result = "DONE" if choice == contract.right_choice(question) else "WRONG"
    here.add(kind, result, latency=thought, number=number, question=question, choice=choice)


def people(random: Random, each: int) -> list[Account]:
    """So many by themselves, as many behind a carrier's few addresses, and some couples."""
    found = [_account(random, "person: chain", Chain(random)) for _ in range(each * 3)]
    carrier = [f"nat-{n % 2}.{n}" for n in range(8)]
    for _ in range(each * 3):  # thousands share one IPv4 in some countries
        chain = Chain(random)
        chain.routers = carrier
        found.append(_account(random, "person: behind a carrier", chain))
    for _ in range(each):  # two in one home who began on one evening and sit side by side
        first, second = Chain(random), Chain(random)
        second.routers, second.bells = first.routers, first.bells
        day = random.randrange(7)
        found += [_account(random, "person: couple", chain, day, 20.5) for chain in (first, second)]
    return found


def _account(
    random: Random,
    kind: str,
    chain: Chain,
    first_day: int | None = None,
    hour: float | None = None,
) -> Account:
    user = random.getrandbits(48)
    born = (random.uniform(6, 23.5) if hour is None else hour) * 3600
    days = [live(random, chain, user, day) for day in range(contract.NIGHTS)]
    days = [[] if n and random.random() < 0.09 else day for n, day in enumerate(days)]
    days[0] = [act for act in days[0] if act.at > born]
    first = random.randrange(7) if first_day is None else first_day
    return Account(kind, days, first, born, random.choice(HOSTS))
