"""What a million users ask for, derived from the blueprint's numbers.

Everybody is taken as active every day: the blueprint's 40 % of them would be the lighter case.

| a member's day | blueprint | requests |
|---|---|---|
| polls | 4–6 sessions of 4 hours, a poll at each 10-minute tick: 5 × 24 | 120 |
| wallet | a look at each start, and one more | 6 |
| today's tasks | opened twice | 2 |
| starts | 4–6 sessions | 5 |
| ad views, started and completed | 5 for sessions, 5.6 of the 14 tasks: 2 × 10.6 | 21.2 |
| the networks' callbacks | one each | 10.6 |
| tasks, started | more than 70 % of 20 | 14 |
| tasks, completed or answered | those without an ad: 14 × 12 / 20 | 8.4 |
| sign-ins | as if nobody stayed signed in for longer than a day | 1 |

188 requests a member and day are 2,180 a second for a million, at the mean; the groups' windows
keep the starts flat over the day (decision 3). Watching a boost's video is left out: beats are read
and sealed without a database, and few beside the polls.
"""

from datetime import timedelta
from math import ceil

from msgspec import Struct

MEMBERS = 1_000_000
DAY = timedelta(days=1)


class Kind(Struct, frozen=True):
    """A sort of request: how often a member makes it a day, and the blueprint's target.

    With a target the answer waits for the outcome, where there is one: that is what people see.
    """

    name: str
    per_day: float
    target_ms: int | None = None


KINDS = (
    Kind("poll", 120),
    Kind("wallet", 6, 100),
    Kind("today's tasks", 2),
    Kind("mining start", 5, 300),
    Kind("ad started", 10.6),
    Kind("ad completed", 10.6),
    Kind("callback", 10.6),
    Kind("task started", 14),
    Kind("task completed", 8.4, 150),
    Kind("login", 1, 200),
)
PER_MEMBER_AND_DAY = sum(kind.per_day for kind in KINDS)


def members_served(per_second: float) -> float:
    """How many members' mean demand a rate of requests is."""
    return per_second * DAY.total_seconds() / PER_MEMBER_AND_DAY


def share_of(requests: int) -> dict[str, int]:
    """How many of so many requests are of each kind, a little more than on average."""
    return {kind.name: ceil(1.1 * requests * kind.per_day / PER_MEMBER_AND_DAY) for kind in KINDS}
