"""Words for tests."""

from datetime import UTC, datetime, timedelta

from engine.core.timeline import EPOCH

# Midnight UTC on a Sunday: group 1 opens at this instant.
START = datetime(2026, 3, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def at(time: str) -> datetime:
    """An instant: "2026-03-01T00:10Z", or "00:10" on the day of START."""
    if "T" not in time:
        time = f"2026-03-01T{time}Z"
    # A plain datetime, also while the clock is frozen.
    return EPOCH + (datetime.fromisoformat(time) - EPOCH)
