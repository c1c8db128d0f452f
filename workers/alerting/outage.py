"""While the database is away no check can run: whoever notices tells the pager directly."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from engine.operations.alerts import Severity
from workers.alerting.contract import Channel, Notice, NotToldError

log = logging.getLogger(__name__)

# A restart or a failover is no outage.
TOLD_AFTER = timedelta(minutes=1)
OUTAGE = "database-away"
_TEXT = "The database cannot be reached"
_FIGURES: Mapping[str, int] = {}


class OutageWatch:
    """Of one process. Several tell the same key, which the vendor joins."""

    def __init__(self, pager: Channel) -> None:
        self._pager = pager
        self._away_since: datetime | None = None
        self._is_told = False

    async def note(self, now: datetime, *, is_away: bool) -> None:
        """Tell an outage once it has lasted, and its end; try again while the pager fails."""
        if is_away:
            self._away_since = self._away_since or now
            if not self._is_told and now - self._away_since >= TOLD_AFTER:
                self._is_told = await self._tell(self._away_since, is_over=False)
        elif self._away_since and (
            not self._is_told or await self._tell(self._away_since, is_over=True)
        ):
            self._away_since, self._is_told = None, False

    async def _tell(self, since: datetime, *, is_over: bool) -> bool:
        notice = Notice(OUTAGE, Severity.CRITICAL, _TEXT, _FIGURES, since, is_over)
        try:
            await self._pager.tell(notice)
        except NotToldError as error:
            log.error("alert %s was not told: %s", OUTAGE, error)
            return False
        return True
