"""How much of a session's reward is earned by an instant (decision 0006)."""

from datetime import datetime

from engine.core.timeline import micros


def accrued(reward_micro: int, started_at: datetime, ends_at: datetime, at: datetime) -> int:
    """Micro-TWTC earned by `at`: reward x clamp(at - start, 0, length) // length.

    models.mining.credit.accrued_sql is the same arithmetic in SQL; a property test proves it.
    """
    length = micros(ends_at) - micros(started_at)
    elapsed = min(max(micros(at) - micros(started_at), 0), length)
    return reward_micro * elapsed // length
