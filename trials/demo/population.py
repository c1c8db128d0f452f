"""The people of the demo: when they wake, how they watch, what they do wrong. Seeded."""

from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from msgspec import Struct

from engine.core.timeline import Window, phase_in_window

ASLEEP_HOURS = 8
COMES_TO_WINDOW = 0.97
VANISHES_PER_WINDOW = 0.002


class Habit(StrEnum):
    """How one visit goes."""

    GOOD = "GOOD"
    LATE = "LATE"  # after the window closed
    ABANDONS = "ABANDONS"  # closes the ad early and says it was watched
    LEAVES = "LEAVES"  # closes the app during the ad
    AD_BREAKS = "AD_BREAKS"  # the ad does not load: another is asked for


SHARES = {
    Habit.GOOD: 0.895,
    Habit.LATE: 0.025,
    Habit.ABANDONS: 0.03,
    Habit.LEAVES: 0.02,
    Habit.AD_BREAKS: 0.03,
}
REPEATS_REQUESTS = 0.10
POLLS = 0.25
BOOSTS = 0.15
# Of all people, who does all of a day's tasks, and who does some in one of its visits.
DILIGENT, CURIOUS = 0.05, 0.20
CURIOUS_PER_VISIT = 0.3


class Visit(Struct, frozen=True):
    """One person's attempt to start a session."""

    number: int
    starts_at: datetime
    habit: Habit
    repeats: bool
    polls: bool
    boosts: bool
    works: bool


class Person(Struct):
    """One member. Each group's members live in all the world's time zones alike."""

    number: int
    user_id: int
    group_number: int
    time_zone: int
    vanished: bool = False

    def is_asleep(self, at: datetime) -> bool:
        """Eight hours of night, somewhere on earth."""
        return (at.hour - self.time_zone) % 24 < ASLEEP_HOURS


def plan_visits(people: list[Person], group_number: int, window: Window, seed: int) -> list[Visit]:
    """Who comes to a window, when and how. The same arguments give the same visits."""
    visits = []
    length = window.closes_at - window.opens_at
    for person in people:
        if person.group_number != group_number or person.vanished:
            continue
        if person.is_asleep(window.opens_at):
            continue
        random = Random(f"{seed}:{person.number}:{window.opens_at.isoformat()}")  # noqa: S311
        if random.random() < VANISHES_PER_WINDOW:
            person.vanished = True
        if random.random() >= COMES_TO_WINDOW:
            continue
        habit = random.choices(list(SHARES), list(SHARES.values()))[0]
        phase = phase_in_window(int(length.total_seconds()), person.user_id)
        # Reminded at their phase, people come within the next two minutes.
        starts_at = window.opens_at + phase + timedelta(seconds=random.uniform(0, 120))
        starts_at = min(starts_at, window.closes_at - timedelta(milliseconds=1 + person.number))
        if habit is Habit.LATE:
            starts_at = window.closes_at + timedelta(seconds=random.uniform(0, 1200))
        visits.append(
            Visit(
                number=person.number,
                starts_at=starts_at,
                habit=habit,
                repeats=random.random() < REPEATS_REQUESTS,
                polls=random.random() < POLLS,
                boosts=random.random() < BOOSTS,
                works=_works(person, random),
            )
        )
    return visits


def _works(person: Person, random: Random) -> bool:
    """Whether somebody does tasks in this visit."""
    kind = Random(f"tasks:{person.number}").random()  # noqa: S311
    chance = random.random()
    return kind < DILIGENT or (kind < DILIGENT + CURIOUS and chance < CURIOUS_PER_VISIT)
