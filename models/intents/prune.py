"""Intents that were done long ago."""

from datetime import timedelta

from models.base.pruning import Prune, old

# Dead letters stay until somebody has looked at them.
INTENTS = old(
    "intents", "applied_at", timedelta(days=7), which="AND status IN ('APPLIED', 'REJECTED')"
)

PRUNES: tuple[Prune, ...] = (INTENTS,)
