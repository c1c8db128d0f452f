"""People to learn from, by three generators: those with habits, those with moods, the steady ones.

They are made to be unlike each other, and to reach the edges of what people do: who never errs, who
starts at every reminder, who takes all tasks in their order, who answers in a second.
"""

from random import Random

from engine.fraud.anomaly.acts import (
    AD_DONE,
    AD_FAILED,
    BOOST,
    BOOST_ANSWER,
    MINE,
    TASK,
    TASK_ANSWER,
    TASK_READ,
    Act,
)
from workers.scoring.example_world import (
    DAYS,
    OPEN_SECONDS,
    Diary,
    Maker,
    draw_tasks,
    make_device,
    make_ip,
    opening_at,
    openings,
    pick_group,
)


class Person:
    """Somebody with a group, a phone or two, and a few networks."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.group = pick_group(random)
        self.devices = [make_device(random) for _ in range(random.choice((1, 1, 1, 1, 2)))]
        self.home = make_ip(random)
        self.roams = random.choice((0.0, 0.1, 0.3, 0.8))
        self.knows = random.betavariate(6, 2) if random.random() < 0.8 else 1.0
        self.reminder = random.uniform(0, OPEN_SECONDS - 60)
        # Keen ones open every window and leave nothing.
        self.keenness = random.betavariate(2, 2)

    def diary(self) -> Diary:
        """A new day."""
        return Diary(self.random.choice(self.devices), self.home)

    def go_out(self, diary: Diary) -> None:
        """Another network, or home again."""
        random = self.random
        diary.device = random.choice(self.devices)
        diary.ip = make_ip(random) if random.random() < self.roams else self.home

    def is_right(self) -> bool:
        """Whether they know the answer."""
        return self.random.random() < self.knows


class Habitual(Person):
    """Pauses are log-normal; visits lie about the same hours; many wait for the reminder."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.hours = [random.uniform(6, 25) for _ in range(random.randrange(1, 7))]
        self.pause = random.gauss(1.6, 0.5)
        self.spread = random.uniform(0.35, 1.2)
        self.answers = random.gauss(1.4, 0.4)
        self.reads = random.gauss(1.8, 0.7)
        self.is_reminded = random.random() < 0.5
        self.promptness = random.lognormvariate(3.5, 0.9)

    def day(self) -> list[Act]:
        """One day's acts."""
        random, diary, tasks, number = self.random, self.diary(), draw_tasks(self.random), 0
        for hour in sorted({opening_at(self.group, h + random.gauss(0, 0.7)) for h in self.hours}):
            if random.random() > 0.55 + 0.45 * self.keenness:
                continue
            self.go_out(diary)
            number = self._visit(diary, hour, tasks, number)
        return diary.acts

    def _visit(self, diary: Diary, opened: float, tasks: list[str], number: int) -> int:
        random = self.random
        if self.is_reminded and random.random() < 0.85:
            phase = self.reminder + random.expovariate(1 / self.promptness)
        else:
            phase = random.uniform(0, OPEN_SECONDS)
        phase = min(phase, OPEN_SECONDS - 1)
        at = opened + phase
        diary.add(MINE, at, phase)
        lag = 0.2 + random.lognormvariate(0.2, 0.6)
        at += 30 + lag
        failed = random.random() < 0.04
        diary.add(AD_FAILED if failed else AD_DONE, at, lag, result="DONE")
        for _ in range(random.randrange(0, 8)):
            if number >= len(tasks):
                break
            number += 1
            at += random.lognormvariate(self.pause, self.spread)
            at = self._task(diary, at, tasks[number - 1], number)
        if random.random() < 0.4:
            at = self._boost(diary, at + random.lognormvariate(self.pause + 0.5, self.spread))
        return number

    def _task(self, diary: Diary, at: float, kind: str, number: int) -> float:
        random = self.random
        if random.random() > 0.85 + 0.15 * self.keenness:
            diary.add(TASK, at, result="LEFT", number=number)
            return at
        diary.add(TASK, at, number=number)
        if kind == "ad":
            lag = 0.2 + random.lognormvariate(0.2, 0.6)
            at += 30 + lag
            diary.add(AD_DONE, at, lag)
        elif kind == "read":
            beyond = random.lognormvariate(self.reads, self.spread)
            at += 20 + beyond
            diary.add(TASK_READ, at, beyond, number=number)
        else:
            for _ in range(3):
                thought = 0.8 + random.lognormvariate(self.answers, self.spread * 0.8)
                at += thought
                is_right = self.is_right()
                diary.answer(TASK_ANSWER, at, thought, is_right, random, number)
                if is_right:
                    break
        return at

    def _boost(self, diary: Diary, at: float) -> float:
        random = self.random
        left = random.random() < 0.15
        diary.add(BOOST, at, result="LEFT" if left else "DONE")
        if left:
            return at
        thought = min(29.0, 0.8 + random.lognormvariate(self.answers, self.spread * 0.8))
        at += random.uniform(60, 300) + thought
        diary.answer(BOOST_ANSWER, at, thought, self.is_right(), random, 0)
        return at


class Moody(Person):
    """Reaction times of a bell curve and a tail, by mood; attention comes and goes."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.centre = random.lognormvariate(0.9, 0.45)
        self.tail = random.lognormvariate(1.0, 0.6)
        self.chance = random.betavariate(2, 1.5)  # of a window to be opened at all
        self.wake = random.uniform(5, 11)
        self.drift = random.uniform(0.0, 0.4)
        self.order = random.random()  # how far down the list they go in its order

    def day(self) -> list[Act]:
        """One day's acts."""
        random, diary, tasks = self.random, self.diary(), draw_tasks(self.random)
        mood, left = random.lognormvariate(0, 0.2), list(range(1, 21))
        for opened in openings(self.group):
            if (opened / 3600 - self.wake) % 24 > 17 or random.random() > self.chance:
                continue
            self.go_out(diary)
            self._visit(diary, opened, tasks, left, mood * random.lognormvariate(0, self.drift))
        return diary.acts

    def _react(self, mood: float, scale: float = 1.0) -> float:
        random = self.random
        seconds = max(0.4, random.gauss(self.centre, self.centre * 0.2) * scale)
        seconds += random.expovariate(1 / (self.tail * scale))
        if random.random() < 0.05:
            seconds += random.uniform(15, 600)  # somebody speaks to them
        return seconds * mood

    def _visit(
        self, diary: Diary, opened: float, tasks: list[str], left: list[int], mood: float
    ) -> None:
        random = self.random
        phase = random.betavariate(1.2, 2.5) * OPEN_SECONDS
        at = opened + phase
        diary.add(MINE, at, phase)
        lag = self._react(mood, 0.4)
        at += 30 + lag
        diary.add(AD_DONE, at, lag, result="FAILED" if random.random() < 0.05 else "DONE")
        while left and random.random() < 0.5 + 0.45 * self.keenness:
            at += self._react(mood) + 0.8
            place = 0 if random.random() < self.order else random.randrange(len(left))
            number = left.pop(place)
            diary.add(TASK, at, number=number)
            if tasks[number - 1] == "quiz":
                thought = 0.5 + self._react(mood, 1.3)
                at += thought
                diary.answer(TASK_ANSWER, at, thought, self.is_right(), random, number)
            else:
                beyond = self._react(mood, 2.0)
                at += 20 + beyond
                kind = AD_DONE if tasks[number - 1] == "ad" else TASK_READ
                diary.add(kind, at, beyond, number=number)


class Steady(Person):
    """Practised and even: gamma pauses of little spread, an alarm clock, everything in order."""

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.pause = random.uniform(1.3, 9)
        self.shape = random.uniform(3, 14)
        self.alarm = random.uniform(5, OPEN_SECONDS - 200)
        self.lateness = random.uniform(6, 120)
        first = random.randrange(6)
        self.windows = {(first + turn) % 6 for turn in range(random.randrange(2, 6))}
        self.each = random.randrange(2, 8)

    def day(self) -> list[Act]:
        """One day's acts."""
        random, diary, tasks, number = self.random, self.diary(), draw_tasks(self.random), 0
        tempo = random.lognormvariate(0, 0.1)
        for turn, opened in enumerate(openings(self.group)):
            if turn not in self.windows or random.random() < 0.1:
                continue
            self.go_out(diary)
            phase = min(self.alarm + random.gammavariate(2, self.lateness / 2), OPEN_SECONDS - 1)
            at = opened + phase
            diary.add(MINE, at, phase)
            lag = 0.3 + self._wait(0.3)
            at += 30 + lag
            diary.add(AD_DONE, at, lag)
            for _ in range(self.each if number < 20 else 0):
                if number == 20:
                    break
                number += 1
                at += 0.9 + self._wait(tempo)
                diary.add(TASK, at, number=number)
                at = self._task(diary, at, tasks[number - 1], number, tempo)
        return diary.acts

    def _task(self, diary: Diary, at: float, kind: str, number: int, tempo: float) -> float:
        if kind == "quiz":
            thought = 0.9 + self._wait(tempo)
            at += thought
            diary.answer(TASK_ANSWER, at, thought, self.is_right(), self.random, number)
            return at
        beyond = self._wait(tempo * (0.4 if kind == "ad" else 1.5))
        at += (30 if kind == "ad" else 20) + beyond
        diary.add(AD_DONE if kind == "ad" else TASK_READ, at, beyond, number=number)
        return at

    def _wait(self, scale: float) -> float:
        mean = self.pause * scale
        seconds = self.random.gammavariate(self.shape, mean / self.shape)
        return seconds + (self.random.expovariate(1 / 60) if self.random.random() < 0.04 else 0)


def _of(kind: type[Habitual] | type[Moody] | type[Steady]) -> Maker:
    def make(random: Random) -> list[list[Act]]:
        person = kind(random)
        return [person.day() for _ in range(DAYS)]

    return make


PEOPLE: tuple[Maker, ...] = (_of(Habitual), _of(Moody), _of(Steady))
