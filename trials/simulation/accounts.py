"""What the model keeps of a member, in its own words and with its own numbers."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

TWTC = 1_000_000
REWARD = 100 * TWTC
PROOF = timedelta(minutes=15)
LATE_COMMIT = timedelta(seconds=10)  # a proof in time may be committed so much later
AD_SECONDS, TASK_AD_SECONDS = 60, 20
# What everybody begins with: somebody has paid for it, so it may go to other people.
STAKES = {"deposit:seed": 60 * TWTC, "sponsor:seed": 80 * TWTC}


class Intent(Struct, frozen=True):
    """What was recorded: the request, never its outcome."""

    id: UUID
    bucket: int
    group: int
    user: int | None
    kind: str
    at: datetime
    body: Mapping[str, Any]


class Session(Struct):
    """A mining session. `expires` while its ad is not proved."""

    id: UUID
    group: int  # whose ticks pay it, also when its owner has moved to another
    window: datetime
    requested: datetime
    expires: datetime | None
    view: UUID
    status: str = "PENDING"
    started: datetime | None = None
    ends: datetime | None = None


class Task(Struct):
    """A touched task of a day."""

    day: date
    number: int
    category: str
    reward: int
    started: datetime
    status: str = "PENDING"
    attempt: int = 1
    expires: datetime | None = None
    view: UUID | None = None
    submitted: datetime | None = None
    claimed: datetime | None = None


class View(Struct):
    """An ad that was shown for a session or a task."""

    owner: Session | Task
    seconds: int
    tries: int = 1
    status: str = "OPEN"
    expired: bool = False
    started: datetime | None = None
    completed: datetime | None = None
    confirmed: datetime | None = None


class Boost(Struct):
    """A watch of a video for a boost."""

    id: UUID
    video: str
    question: str
    session: Session
    seconds: int
    reward: int
    started: datetime
    status: str = "WATCHING"
    watched: datetime | None = None
    asked: datetime | None = None


class Hold(Struct, frozen=True):
    """Nothing leaves the wallet. `since` is known as long as its batch is looked at."""

    since: datetime
    until: datetime


class Account(Struct):
    """A member, and all that is theirs.

    `held` is what the ledger has of theirs, `earned` what they were paid, by whose money it is;
    `spent` what left on a day, as allowances count it.
    """

    user: int
    bucket: int
    held: dict[str, int] = {}
    earned: dict[str, int] = {}
    spent: dict[date, int] = {}
    is_somebody: bool = True
    hold: Hold | None = None
    sessions: dict[UUID, Session] = {}
    views: dict[UUID, View] = {}
    boosts: dict[UUID, Boost] = {}
    tasks: dict[tuple[date, int], Task] = {}
    waiting: dict[UUID, tuple[int, "Intent"]] = {}  # with their place in the history


def pay(account: Account, amount: int, funding: str) -> None:
    """Coins come into the wallet; of ads there is one network, whose money theirs is."""
    account.earned[funding] = account.earned.get(funding, 0) + amount
    move(account, amount, funding)


def move(account: Account, amount: int, funding: str) -> None:
    """Coins come or, below nothing, go, and are no earnings."""
    account.held[funding] = account.held.get(funding, 0) + amount


def give_up(account: Account, owner: Session | Task) -> None:
    """There will be no proof of what is shown now."""
    if owner.view is not None and account.views[owner.view].status == "OPEN":
        account.views[owner.view].status, account.views[owner.view].expired = "FAILED", True
    lose(owner)


def lose(owner: Session | Task) -> None:
    """A session fails; a task may be begun again."""
    owner.expires = None
    if isinstance(owner, Session):
        owner.status = "FAILED"
    else:
        owner.view = None
