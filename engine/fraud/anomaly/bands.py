"""The four bands of the score, and the alert level of each (blueprint, "Fraud evidence")."""

from enum import StrEnum

SCORE_MAX = 100


class Band(StrEnum):
    """0–30, 31–60, 61–80, 81–100."""

    NORMAL = "NORMAL"
    MONITOR = "MONITOR"
    REVIEW = "REVIEW"
    SUSPEND = "SUSPEND"


# The lowest score of each band.
FLOORS = {Band.NORMAL: 0, Band.MONITOR: 31, Band.REVIEW: 61, Band.SUSPEND: 81}
# The alert level that a band puts an account at: 1 is log only, 3 a CAPTCHA, 4 a suspension.
LEVELS = {Band.NORMAL: 0, Band.MONITOR: 1, Band.REVIEW: 3, Band.SUSPEND: 4}

# What a flag of the band asks for: severity, hold, least level (engine.fraud.levels).
FLAGS = {
    Band.REVIEW: ("HIGH", "CAPTCHA", LEVELS[Band.REVIEW]),
    Band.SUSPEND: ("CRITICAL", "SUSPENDED", LEVELS[Band.SUSPEND]),
}


def band_of(score: int) -> Band:
    """The band of a score. Raise ValueError outside 0 to 100."""
    if not 0 <= score <= SCORE_MAX:
        raise ValueError(f"a score lies between 0 and {SCORE_MAX}: {score}")
    return max((band for band in Band if FLOORS[band] <= score), key=lambda band: FLOORS[band])
