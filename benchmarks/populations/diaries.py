"""People by their diaries, and polite bots that try to look like them.

A person has a chronotype, a job that leaves free moments, a pace of their own that quickens with
practice, and evenings on which nothing comes of it. Pauses are shifted log-normals whose centre
drifts within a sitting. Some live in one household, sit in one school, or came with one campaign.

The bots of a farm run one program: log-normal pauses, a night's sleep, tasks left out, answers from
a bank that is mostly right. They differ in their seeds, and a little in their settings.
"""

import math
from random import Random

from benchmarks.populations.contract import (
    DAY_SECONDS,
    NIGHTS,
    Account,
    network_of,
    openings,
    right_choice,
    tasks_of,
)
from engine.fraud.anomaly.acts import Act

_DOMAINS = ("gmail.com",) * 11 + ("hotmail.com", "yahoo.com", "icloud.com", "outlook.com")
# Free moments by job, as hours of the clock.
_JOBS = {
    "office": ((7.2, 0.5), (12.6, 0.4), (18.2, 0.8), (21.5, 0.9)),
    "night shift": ((0.6, 0.7), (4.4, 0.6), (14.8, 1.2), (19.6, 0.8)),
    "at home": ((9.4, 1.5), (13.5, 1.6), (16.5, 1.4), (20.5, 1.2)),
    "student": ((8.0, 0.4), (10.1, 0.2), (12.9, 0.5), (16.4, 1.0), (22.8, 1.1)),
    "keen": ((6.8, 0.6), (10.3, 0.9), (13.2, 0.8), (17.0, 0.9), (20.4, 0.8), (23.0, 0.6)),
    "driver": ((6.1, 0.6), (11.2, 1.8), (15.5, 1.9), (23.1, 0.7)),
}


class _Place:
    """Where somebody is on the network: home, perhaps shared, and a carrier's addresses."""

    def __init__(self, random: Random, home: str | None = None, work: str | None = None) -> None:
        self.home = home or _address(random)
        self.work = work
        carrier = random.randrange(6)
        self.mobile = [f"c{carrier}.{random.randrange(24)}" for _ in range(40)]

    def at(self, random: Random, hour: float) -> str:
        if self.work is not None and 8 <= hour < 16:
            return self.work
        away = 0.65 if 8 <= hour < 18 else 0.15
        return random.choice(self.mobile) if random.random() < away else self.home


def _address(random: Random) -> str:
    return f"h{random.getrandbits(24):x}.{random.randrange(254)}"


class _Person:
    def __init__(self, random: Random, job: str, place: _Place) -> None:
        self.random, self.place = random, place
        self.user = random.getrandbits(48)
        self.moments = [m for m in _JOBS[job] if random.random() < 0.75] or [_JOBS[job][0]]
        self.openings = openings(1 + self.user % 10)
        self.reminder = random.uniform(30, 1300)  # within each window
        self.heeds = random.betavariate(2, 2)  # how often a reminder is followed
        self.pace = random.lognormvariate(math.log(4.2), 0.42)
        self.spread = random.uniform(0.42, 0.95)
        self.floor = random.uniform(0.5, 1.3)
        self.knows = random.betavariate(6, 2.6)
        self.stays = random.betavariate(5, 1.6)  # goes on to a next task
        self.orderly = random.betavariate(6, 1.4)
        self.boosts = random.betavariate(2, 3)
        self.idle_days = random.betavariate(1.2, 9)
        self.device = f"d{random.getrandbits(40):x}"
        if job == "keen":  # does everything, every day
            self.moments, self.heeds, self.stays = list(_JOBS[job]), 0.93, 0.97
            self.boosts, self.idle_days = 0.8, 0.01

    def diary(self) -> list[list[Act]]:
        return [self.day(day) for day in range(NIGHTS)]

    def day(self, day: int) -> list[Act]:
        random = self.random
        if day and random.random() < self.idle_days:
            return []
        weekend = day % 7 in (5, 6)
        moments = [
            random.gauss(at, spread * (1.7 if weekend else 1)) for at, spread in self.moments
        ]
        sittings = []
        for moment in moments:
            at = moment % 24 * 3600
            if random.random() < self.heeds:
                # The reminder that comes next; it is seen sooner or later.
                soon = [o + self.reminder for o in self.openings if o + self.reminder > at - 5400]
                at = (soon[0] if soon else at) + random.lognormvariate(4.2, 1.3)
            sittings.append(at)
        self.mood = random.lognormvariate(0, 0.12) * (1.12 - 0.012 * min(day, 10))
        self.tasks, self.next, self.boosted = tasks_of(self.user, day), 1, 0
        acts: list[Act] = []
        for at in sorted(sittings):
            if not acts or at > acts[-1].at + 60:
                self.sit(acts, at)
        return [act for act in acts if act.at < DAY_SECONDS]

    def think(self, scale: float = 1.0) -> float:
        seconds = self.random.lognormvariate(math.log(self.pace * scale * self.mood), self.spread)
        if self.random.random() < 0.035:
            seconds += self.random.lognormvariate(4.3, 0.9)  # the bus came
        return self.floor + seconds

    def sit(self, acts: list[Act], at: float) -> None:
        ip = self.place.at(self.random, at / 3600)
        where = {"device": self.device, "ip": ip, "network": network_of(ip)}
        late = min((at - o for o in self.openings if 0 <= at - o < 1440), default=None)
        if late is not None:
            acts.append(Act("mining.start", at, "DONE", late, **where))  # type: ignore[arg-type]
            lag = self.think(0.3)
            at += 60 + lag
            cut = self.random.random() < 0.04
            kind = "ad.fail" if cut else "ad.complete"
            acts.append(Act(kind, at, "FAILED" if cut else "DONE", lag, **where))  # type: ignore[arg-type]
        if self.boosted < 3 and self.random.random() < self.boosts:
            at = self.boost(acts, at, where)
        while self.next <= 20 and self.random.random() < self.stays:
            at = self.task(acts, at, where)

    def boost(self, acts: list[Act], at: float, where: dict[str, str]) -> float:
        at += self.think(2)
        left = self.random.random() < 0.12
        acts.append(Act("boost.start", at, "LEFT" if left else "DONE", **where))  # type: ignore[arg-type]
        if left:
            return at + self.think(3)
        self.boosted += 1
        thought, film = min(29.0, self.think(1.1)), f"v{self.random.randrange(60)}"
        at += self.random.choice((95, 150, 240, 310)) + self.think(0.5) + thought
        self.answer(acts, "boost.answer", at, thought, film, None, where)
        return at

    def task(self, acts: list[Act], at: float, where: dict[str, str]) -> float:
        random, number = self.random, self.next
        if random.random() > self.orderly:
            number = min(20, number + random.randrange(1, 4))
        kind, subject = self.tasks[number - 1]
        self.next = max(self.next, number) + 1
        at += self.think(0.9)
        if random.random() < 0.06:
            acts.append(Act("task.start", at, "LEFT", number=number, **where))  # type: ignore[arg-type]
            return at + self.think(0.6)
        acts.append(Act("task.start", at, "DONE", number=number, **where))  # type: ignore[arg-type]
        thought = self.think({"ad": 0.3, "read": 1.8, "quiz": 1.0}[kind])
        at += {"ad": 22, "read": 20, "quiz": 0}[kind] + thought
        if kind == "quiz":
            self.answer(acts, "task.answer", at, thought, subject, number, where)
        else:
            what = "ad.complete" if kind == "ad" else "task.complete"
            acts.append(Act(what, at, "DONE", thought, number, **where))  # type: ignore[arg-type]
        return at

    def answer(
        self,
        acts: list[Act],
        kind: str,
        at: float,
        thought: float,
        question: str,
        number: int | None,
        where: dict[str, str],
    ) -> None:
        right = right_choice(question)
        knows = self.random.random() < self.knows
        # Some wrong options tempt more than others.
        wrong = (right + self.random.choice((1, 1, 1, 2, 3))) % 4
        acts.append(
            Act(
                kind,
                at,
                "DONE" if knows else "WRONG",
                thought,
                number,
                question=question,
                choice=right if knows else wrong,
                **where,
            )
        )


class _Bot(_Person):
    """A person by program: steady settings instead of a life. `theme` is what its farm shares."""

    def __init__(self, random: Random, theme: "_Theme", place: _Place) -> None:
        super().__init__(random, "at home", place)

        def about(value: float) -> float:
            return value * random.uniform(1 - theme.jitter, 1 + theme.jitter)

        self.pace, self.spread, self.floor = about(theme.pace), about(theme.spread), 0.8
        self.knows, self.stays, self.orderly = theme.knows, 0.93, 1.0
        self.boosts, self.idle_days, self.heeds = 0.9, 0.0, 1.0
        self.wakes = (theme.wakes + random.gauss(0, theme.shift)) % 24
        self.lag = theme.lag

    def day(self, day: int) -> list[Act]:
        self.mood = 1.0
        self.tasks, self.next, self.boosted = tasks_of(self.user, day), 1, 0
        acts: list[Act] = []
        for opening in self.openings:
            if (opening / 3600 - self.wakes) % 24 < 16:  # eight hours of sleep
                at = opening + min(1400.0, self.random.lognormvariate(math.log(self.lag), 0.6))
                self.sit(acts, at)
        return [act for act in acts if act.at < DAY_SECONDS]


class _Theme:
    """The settings of one program."""

    def __init__(self, random: Random, jitter: float, shift: float) -> None:
        self.jitter, self.shift = jitter, shift
        self.pace, self.spread = random.uniform(2.5, 7), random.uniform(0.35, 0.7)
        self.knows, self.wakes = random.uniform(0.75, 0.97), random.uniform(5, 10)
        self.lag = random.uniform(90, 500)


def people(random: Random, each: int) -> list[Account]:
    """So many of each job; households, a school, a campaign besides."""
    found = []
    for job in _JOBS:
        for _ in range(each):
            found.append(_account(random, f"person: {job}", _Person(random, job, _Place(random))))
    for _ in range(each // 4):  # families of five behind one address
        home, first = _address(random), random.randrange(7)
        jobs = ("office", "at home", "student", "student", "office")
        found += [
            _account(random, "person: family", _Person(random, job, _Place(random, home)), first)
            for job in jobs
        ]
    school, first = _address(random), random.randrange(7)
    found += [
        _account(
            random,
            "person: school class",
            _Person(random, "student", _Place(random, None, school)),
            first,
        )
        for _ in range(28)
    ]
    return found + [
        _account(
            random,
            "person: campaign",
            _Person(random, random.choice(list(_JOBS)), _Place(random)),
            first_day=3,
            hour=random.triangular(9, 23, 19),
        )
        for _ in range(each * 2)
    ]


def farms(random: Random, each: int, size: int) -> list[Account]:
    """So many farms of that size, of each of the three kinds."""
    found: list[Account] = []
    for turn in range(each):
        found += _farm(random, "farm (i)", f"diaries-i-{turn}", size)
        found += _farm(random, "farm (ii)", f"diaries-ii-{turn}", size)
        found += _farm(random, "farm (iii)", f"diaries-iii-{turn}", size)
    return found


def _farm(random: Random, kind: str, name: str, size: int) -> list[Account]:
    house = f"f{random.getrandbits(24):x}"
    theme, first = _Theme(random, random.uniform(0.0, 0.15), 0.3), random.randrange(7)
    found = []
    for _ in range(size):
        if kind == "farm (i)":
            place = _Place(random, f"{house}.{random.randrange(30)}")
            place.mobile = [place.home]
        else:
            place = _Place(random)
            place.mobile = [place.home]
        if kind == "farm (iii)":
            theme, first = _Theme(random, 0.1, 3.0), random.randrange(7)
        account = _account(random, f"{kind}: diary bots", _Bot(random, theme, place), first)
        found.append(_of_farm(account, name))
    return found


def _of_farm(account: Account, name: str) -> Account:
    return Account(
        account.kind, account.days, account.first_day, account.registered_at, account.domain, name
    )


def _account(
    random: Random, kind: str, who: _Person, first_day: int | None = None, hour: float = 0.0
) -> Account:
    registered_at = 3600 * (hour or random.triangular(0, 24, 15))
    first = random.randrange(7) if first_day is None else first_day
    days = who.diary()
    days[0] = [act for act in days[0] if act.at > registered_at]
    return Account(kind, days, first, registered_at, random.choice(_DOMAINS))
