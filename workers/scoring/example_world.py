"""What the examples of people and programs live by: windows, the day's tasks, and a diary."""

from collections.abc import Callable
from hashlib import sha256
from random import Random

from engine.fraud.anomaly.acts import Act, Result

DAYS = 14
DAY_SECONDS = 86_400.0
CYCLE_SECONDS = 4 * 3600.0
OPEN_SECONDS = 24 * 60.0
GROUPS = 10
QUESTIONS = 160
_KINDS = ("ad",) * 8 + ("read",) * 7 + ("quiz",) * 5

Maker = Callable[[Random], list[list[Act]]]


def pick_group(random: Random) -> int:
    """Newcomers join any of the ten groups."""
    return random.randrange(GROUPS)


def openings(group: int) -> tuple[float, ...]:
    """When the windows of a group, from 0 on, open: in seconds of the day."""
    first = group * OPEN_SECONDS
    return tuple(first + CYCLE_SECONDS * turn for turn in range(6))


def opening_at(group: int, hour: float) -> float:
    """The window next to an hour of the day."""
    return min(openings(group), key=lambda opened: abs(opened - hour % 24 * 3600))


def draw_tasks(random: Random) -> list[str]:
    """The kinds of a day's twenty tasks, in their order."""
    kinds = list(_KINDS)
    random.shuffle(kinds)
    return kinds


def right_choice(question: str) -> int:
    """The right option of a made-up question."""
    return sha256(question.encode()).digest()[0] % 4


class Diary:
    """The acts of a day, from one device and address at a time."""

    def __init__(self, device: str | None, ip: str | None) -> None:
        self.acts: list[Act] = []
        self.device, self.ip = device, ip

    def add(
        self,
        kind: str,
        at: float,
        latency: float | None = None,
        *,
        result: Result = "DONE",
        number: int | None = None,
        answer: tuple[str, int] | None = None,
    ) -> None:
        """Note an act, unless the day is over."""
        if not 0 <= at < DAY_SECONDS:
            return
        network = self.ip.rpartition(".")[0] if self.ip else None
        question, choice = answer or (None, None)
        act = Act(
            kind, at, result, latency, number, self.device, self.ip, network, question, choice
        )
        self.acts.append(act)

    def answer(
        self, kind: str, at: float, latency: float, is_right: bool, random: Random, number: int
    ) -> None:
        """Note the answer to some question, right or wrong."""
        question = f"q{random.randrange(QUESTIONS)}"
        choice = right_choice(question)
        if not is_right:
            choice = (choice + random.randrange(1, 4)) % 4
        result: Result = "DONE" if is_right else "WRONG"
        self.add(kind, at, latency, result=result, number=number or None, answer=(question, choice))


def make_device(random: Random) -> str:
    """A device of its own."""
    return f"d{random.getrandbits(40):x}"


def make_ip(random: Random) -> str:
    """An address in a network of its own."""
    return f"{random.getrandbits(32):x}.{random.randrange(256)}"
