"""Blind answers: wrong ones, given faster than anybody reads a question (decision 0030).

Only both together count. Who reads may be wrong as often as they like, and who is fast and right
is; a slip of the finger is one or two a day.
"""

from datetime import datetime, timedelta

from engine.fraud.levels import LIGHT_LEVEL_MAX, Severity, Violation

# A question and its four options; two seconds are enough for whoever has read them before.
READING = timedelta(seconds=2)
REMEMBERED = timedelta(days=1)
# So many more raise the level again.
STEP = 3


def is_blind(shown_at: datetime | None, answered_at: datetime) -> bool:
    """Whether nobody can have read the question in between. Unknown times accuse nobody."""
    return shown_at is not None and timedelta(0) <= answered_at - shown_at < READING


def count_blind(before: int, last_at: datetime | None, at: datetime) -> int:
    """How many blind answers there have been with this one; a day without one forgets them."""
    if last_at is None or at - last_at >= REMEMBERED:
        return 1
    return before + 1


def judge_blind(count: int, pause: timedelta) -> Violation | None:
    """What the latest of so many blind answers raises; nothing before there are three."""
    if count % STEP:
        return None
    level = min(LIGHT_LEVEL_MAX, count // STEP)
    details = {"blind_answers": count, "after_seconds": pause.total_seconds()}
    severity = Severity.MEDIUM if level == 1 else Severity.HIGH
    return Violation("BLIND_ANSWERS", severity, details, level=level)
