"""Housekeeping: removing what was settled long ago, ending what nobody decided."""

from datetime import datetime, timedelta

from models.accounts.bans import prune_bans
from models.accounts.guesses import prune_guesses
from models.admin.proposals import lapse_proposals
from models.ads.events import prune_events
from models.ads.inventory import prune_requests
from models.base.buckets import buckets_with
from models.base.db import Database, Statement, sql
from models.base.pruning import prune_rows
from models.operations.alerts import prune_alerts

KEEP_INTENTS_DAYS = 7
KEEP_NOTIFICATIONS_DAYS = 90


def _pruning(table: str, at: str, key: str = "id", which: str = "") -> dict[str, Statement]:
    """What finds old rows of a bucket, and what deletes them."""
    old = f"""
        SELECT {key} FROM {table}
        WHERE bucket = :bucket AND {at} < :before {which}
        ORDER BY {at} LIMIT :limit"""
    delete = f"DELETE FROM {table} WHERE bucket = :bucket AND {key} = ANY(ARRAY({old}))"
    return {"old": sql(old), "delete": sql(delete)}


# Dead letters stay until somebody has looked at them.
INTENTS = _pruning("intents", "applied_at", which="AND status IN ('APPLIED', 'REJECTED')")
TOKENS = _pruning("refresh_tokens", "expires_at", key="token_hash")
SIGN_INS = _pruning("sign_ins", "expires_at")
NOTIFICATIONS = _pruning("notifications", "created_at")


async def prune(database: Database, now: datetime) -> int:
    """Delete intents done a week ago, expired sign-ins, counts of ad requests.

    Return how many rows.
    """
    removed = 0
    pruned = (
        (INTENTS, now - timedelta(days=KEEP_INTENTS_DAYS)),
        (NOTIFICATIONS, now - timedelta(days=KEEP_NOTIFICATIONS_DAYS)),
        (TOKENS, now),
        (SIGN_INS, now),
    )
    for statements, before in pruned:
        over = {"before": before, "limit": 1}
        for bucket in await buckets_with(database, statements["old"], over):
            removed += await prune_rows(database, statements["delete"], before, bucket=bucket)
    removed += await prune_guesses(database, now)
    removed += await prune_alerts(database, now)
    removed += await prune_events(database, now)
    await lapse_proposals(database, now)
    removed += await prune_bans(database, now)
    return removed + await prune_requests(database, now - timedelta(days=1))
