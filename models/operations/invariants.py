"""The audit: every invariant of every domain (models/base/invariants.py) is asked.

It runs on schedule, in `twtc audit`, and at the end of every story test and simulation. The
scheduled run takes some of the buckets each hour, so that it ends however large the tables are.
"""

from datetime import datetime, timedelta

from engine.core.timeline import BUCKET_COUNT
from engine.operations.actions import Violation
from models.base.db import Database, Params, connected, rows, sql
from models.domains import GLOBAL, INVARIANTS, OVERDUE
from runtime.clock import first_id

EXAMPLES_MAX = 5
OVERDUE_AFTER = timedelta(minutes=15)
# Coins may be on their way with it, and are nobody's meanwhile.
UNDELIVERED_AFTER = timedelta(minutes=5)
# Of what grows for ever only the latest is asked of all buckets: longer than an event is accepted.
GLOBAL_SINCE = timedelta(days=31)
# Clocks differ, and what has been written is seen. The nodes of a cluster do not stop all at once:
# what is on its way there at this moment would seem to be missing.
GLOBAL_UNTIL = timedelta(hours=1)


async def audit(
    database: Database, first: int = 0, last: int = BUCKET_COUNT - 1
) -> list[Violation]:
    """Check every invariant in a range of buckets, by default all.

    An empty list means that the books are right.
    """
    return await _check(database, INVARIANTS, {"first": first, "last": last})


async def audit_globally(database: Database, now: datetime) -> list[Violation]:
    """Check what holds over all buckets and cannot be seen in a share of them."""
    until = now - UNDELIVERED_AFTER if database.is_cluster else now + GLOBAL_UNTIL
    return await _check(database, GLOBAL, {"since": now - GLOBAL_SINCE, "until": until})


def buckets_of_hour(now: datetime) -> tuple[int, int]:
    """The hourly check's share: all buckets within a day, whatever the size of the tables."""
    return now.hour * BUCKET_COUNT // 24, (now.hour + 1) * BUCKET_COUNT // 24 - 1


async def find_overdue(database: Database, now: datetime) -> list[Violation]:
    """What should have been done a quarter of an hour ago, or arrived five minutes ago."""
    before = now - OVERDUE_AFTER
    params = {
        "first": 0,
        "last": BUCKET_COUNT - 1,
        "before": before,
        "before_id": first_id(before),
        "sent_before": now - UNDELIVERED_AFTER,
    }
    return await _check(database, OVERDUE, params)


async def _check(database: Database, checks: dict[str, str], params: Params) -> list[Violation]:
    violations = []
    async with connected(database) as connection:
        for name, source in checks.items():
            counted = (
                f"SELECT x.*, count(*) OVER () AS broken FROM ({source}) x LIMIT {EXAMPLES_MAX}"
            )
            found = await rows(connection, sql(counted), params)
            if found:
                examples = [
                    {key: str(value) for key, value in row.items() if key != "broken"}
                    for row in found
                ]
                violations.append(Violation(name, found[0].broken, examples))
    return violations
