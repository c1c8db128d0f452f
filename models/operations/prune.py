"""Housekeeping: removing what was settled long ago, ending what nobody decided."""

from datetime import datetime

from models.base.db import Database
from models.domains import PRUNES
from models.operations.alerts import prune_alerts


async def prune(database: Database, now: datetime) -> int:
    """Forget what each domain has no use for any more. Return how many rows were concerned."""
    return sum([await forget(database, now) for forget in (*PRUNES, prune_alerts)])
