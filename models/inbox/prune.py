"""Messages that have been there for a quarter of a year."""

from datetime import timedelta

from models.base.pruning import Prune, old

NOTIFICATIONS = old("notifications", "created_at", timedelta(days=90))

PRUNES: tuple[Prune, ...] = (NOTIFICATIONS,)
