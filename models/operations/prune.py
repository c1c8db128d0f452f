"""Housekeeping: removing what was settled long ago, ending what nobody decided."""

from datetime import datetime, timedelta

from engine.core.timeline import BUCKET_COUNT
from models.accounts.bans import prune_bans
from models.accounts.guesses import prune_guesses
from models.admin.proposals import lapse_proposals
from models.ads.events import prune_events
from models.ads.inventory import prune_requests
from models.base.db import Database, sql
from models.base.pruning import prune_rows
from models.operations.alerts import prune_alerts

KEEP_INTENTS_DAYS = 7
KEEP_NOTIFICATIONS_DAYS = 90

# Dead letters stay until somebody has looked at them.
PRUNE_INTENTS = sql("""
    DELETE FROM intents
    WHERE bucket = :bucket AND id = ANY(ARRAY(
        SELECT id FROM intents
        WHERE bucket = :bucket AND applied_at < :before AND status IN ('APPLIED', 'REJECTED')
        ORDER BY applied_at LIMIT :limit))
""")

PRUNE_TOKENS = sql("""
    DELETE FROM refresh_tokens
    WHERE bucket = :bucket AND token_hash = ANY(ARRAY(
        SELECT token_hash FROM refresh_tokens
        WHERE bucket = :bucket AND expires_at < :before
        ORDER BY expires_at LIMIT :limit))
""")

PRUNE_SIGN_INS = sql("""
    DELETE FROM sign_ins
    WHERE bucket = :bucket AND id = ANY(ARRAY(
        SELECT id FROM sign_ins
        WHERE bucket = :bucket AND expires_at < :before
        ORDER BY expires_at LIMIT :limit))
""")

PRUNE_NOTIFICATIONS = sql("""
    DELETE FROM notifications
    WHERE bucket = :bucket AND id = ANY(ARRAY(
        SELECT id FROM notifications
        WHERE bucket = :bucket AND created_at < :before
        ORDER BY created_at LIMIT :limit))
""")


async def prune(database: Database, now: datetime) -> int:
    """Delete intents done a week ago, expired sign-ins, counts of ad requests.

    Return how many rows.
    """
    removed = 0
    pruned = (
        (PRUNE_INTENTS, now - timedelta(days=KEEP_INTENTS_DAYS)),
        (PRUNE_NOTIFICATIONS, now - timedelta(days=KEEP_NOTIFICATIONS_DAYS)),
        (PRUNE_TOKENS, now),
        (PRUNE_SIGN_INS, now),
    )
    for bucket in range(BUCKET_COUNT):
        for statement, before in pruned:
            removed += await prune_rows(database, statement, before, bucket=bucket)
    removed += await prune_guesses(database, now)
    removed += await prune_alerts(database, now)
    removed += await prune_events(database, now)
    await lapse_proposals(database, now)
    removed += await prune_bans(database, now)
    return removed + await prune_requests(database, now - timedelta(days=1))
