"""Recording what is due: once per boundary, however many clocks run (decision 0010)."""

import logging
from collections.abc import Sequence
from datetime import datetime

from engine.core.piece import Piece
from models.base.db import DATABASE_ERRORS, Database
from models.base.nodes import BucketsAwayError
from models.intents.queue import record_due
from schedules.timetable import Entry

log = logging.getLogger(__name__)


async def record_boundary(
    database: Database, entry: Entry, boundary: datetime, now: datetime
) -> list[Piece]:
    """Record one boundary of an entry. Return the pieces nobody had recorded it for."""
    pieces = await entry.pieces(database, boundary)
    action = entry.action(boundary)
    return await record_due(database, action, entry.key(boundary), boundary, pieces, now)


class DueWork:
    """Records what is due, remembering what it has seen to, so that it asks once a boundary."""

    def __init__(self, database: Database, table: Sequence[Entry]) -> None:
        self._database = database
        self._table = table
        self._recorded_through: dict[str, datetime] = {}

    async def record(self, now: datetime) -> list[Piece]:
        """Record all boundaries up to `now` that may be missing. Return pieces to ring for.

        An entry that cannot be recorded is logged and asked for again; it does not stop the others.
        """
        pieces: set[Piece] = set()
        for entry in self._table:
            try:
                pieces.update(await self._record_entry(entry, now))
            except DATABASE_ERRORS as error:
                if isinstance(error, BucketsAwayError):
                    pieces.update(error.pieces)
                log.warning("%s cannot be recorded: %s", entry.name, type(error).__name__)
        return sorted(pieces)

    async def _record_entry(self, entry: Entry, now: datetime) -> set[Piece]:
        pieces: set[Piece] = set()
        through = self._recorded_through.get(entry.name)
        if through is not None and entry.boundary(now) < through:
            through = None  # the time was set back: what it comes to again is asked for again
        for boundary in entry.boundaries(now):
            if through is None or boundary > through:
                pieces.update(await record_boundary(self._database, entry, boundary, now))
                self._recorded_through[entry.name] = boundary
        return pieces
