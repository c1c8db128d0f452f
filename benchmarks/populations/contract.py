"""What every population is made of, and the facts of the product that all of them live by."""

from collections.abc import Iterator
from hashlib import sha256

from msgspec import Struct

from engine.fraud.anomaly.acts import Act

NIGHTS = 14
DAY_SECONDS = 86_400.0
WINDOW_SECONDS = 4 * 3600.0
OPEN_SECONDS = 24 * 60.0
GROUPS = 10
TASKS = 20
QUIZZES = 160
OPTIONS = 4


class Account(Struct, frozen=True):
    """One account and what it did on each of its first fourteen days, the first one included.

    `first_day` counts from the population's first day, `registered_at` in seconds of that day.
    `kind` begins with "person", "program" or "farm"; accounts of one farm bear its name.
    """

    kind: str
    days: list[list[Act]]
    first_day: int = 0
    registered_at: float = 0.0
    domain: str = "mail.example"
    farm: str | None = None

    @property
    def is_person(self) -> bool:
        """Whether somebody lives behind it."""
        return self.kind.startswith("person")


def openings(group: int) -> tuple[float, ...]:
    """When the windows of a group, from 1 on, open: in seconds of the UTC day."""
    first = (group - 1) * OPEN_SECONDS
    return tuple(first + WINDOW_SECONDS * turn for turn in range(6))


def network_of(ip: str) -> str:
    """The network of a made-up address, which is all before its last dot."""
    return ip.rpartition(".")[0]


def tasks_of(user: int, day: int) -> list[tuple[str, str]]:
    """A user's twenty tasks of a day, in their order: kind and subject, drawn as the product does.

    Kinds are "ad", "read" and "quiz"; the subject of a quiz is its question.
    """
    stream = _stream(f"{user}:{day}")
    kinds = ["ad"] * 8 + ["read"] * 7 + ["quiz"] * 5
    for place in range(len(kinds) - 1, 0, -1):
        other = next(stream) % (place + 1)
        kinds[place], kinds[other] = kinds[other], kinds[place]
    return [(kind, f"q{next(stream) % QUIZZES}" if kind == "quiz" else kind) for kind in kinds]


def right_choice(question: str) -> int:
    """The right option of a question."""
    return sha256(question.encode()).digest()[0] % OPTIONS


def _stream(seed: str) -> Iterator[int]:
    count = 0
    while True:
        digest = sha256(f"{seed}:{count}".encode()).digest()
        yield from (int.from_bytes(digest[i : i + 4]) for i in range(0, 32, 4))
        count += 1
