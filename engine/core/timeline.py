"""Windows, cycles, boundaries, buckets: where an instant lies (decisions 0003 and 0009).

Every instant is an aware UTC datetime; every window is half-open; arithmetic is in whole
microseconds since the epoch, so that it is exact and equal everywhere.
"""

from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_SECONDS = 86_400
GROUP_COUNT = 10
BUCKET_COUNT = 64
PHASE_MODULUS = 2**31
PHASE_FACTOR = 1_640_531_527  # the golden ratio's: neighbouring ids land far apart

_MICROSECOND = timedelta(microseconds=1)


class TimingError(ValueError):
    """The timing settings contradict each other; the message names which and what to change."""


class Timing(Struct, frozen=True):
    """How long things last, in seconds. The blueprint's values are the production profile."""

    cycle_seconds: int
    tick_seconds: int
    stagger_seconds: int
    window_seconds: int
    ad_seconds: int
    proof_seconds: int  # to finish the ad, and again for its signed callback to arrive


PRODUCTION = Timing(
    cycle_seconds=4 * 3600,
    tick_seconds=600,
    stagger_seconds=24 * 60,
    window_seconds=24 * 60,
    ad_seconds=60,
    proof_seconds=15 * 60,
)
DEVELOPMENT = Timing(
    cycle_seconds=240,
    tick_seconds=10,
    stagger_seconds=24,
    window_seconds=24,
    ad_seconds=6,
    proof_seconds=90,
)
PROFILES = {"production": PRODUCTION, "development": DEVELOPMENT}


class Timetable(Struct, frozen=True):
    """Timing, and per group (index 0 is group 1) the first opening of the UTC day in seconds."""

    timing: Timing
    phases_seconds: tuple[int, ...]


class Window(Struct, frozen=True):
    """[opens_at, closes_at): the time in which a group may start a session."""

    opens_at: datetime
    closes_at: datetime


def check_timing(timing: Timing) -> None:
    """Raise TimingError unless the tick divides the cycle and the windows tile it evenly."""
    cycle, tick = timing.cycle_seconds, timing.tick_seconds
    stagger, window = timing.stagger_seconds, timing.window_seconds
    short = [name for name in timing.__struct_fields__ if getattr(timing, name) < 1]
    problems = [f"{name} must be at least 1 second" for name in short]
    if not short:
        if DAY_SECONDS % cycle:
            problems.append(f"cycle_seconds={cycle} must divide a day of {DAY_SECONDS} s")
        if cycle > PRODUCTION.cycle_seconds:
            problems.append(f"cycle_seconds={cycle} must not exceed {PRODUCTION.cycle_seconds}")
        if cycle % tick:
            problems.append(f"tick_seconds={tick} must divide cycle_seconds={cycle}")
        if cycle % stagger or cycle // stagger > GROUP_COUNT:
            problems.append(
                f"stagger_seconds={stagger} must divide cycle_seconds={cycle} "
                f"into at most {GROUP_COUNT} slots, one for each group"
            )
        if window % stagger or window > cycle:
            problems.append(
                f"window_seconds={window} must be a multiple of stagger_seconds={stagger} "
                f"within the cycle, or the windows do not tile it"
            )
        if timing.ad_seconds >= timing.proof_seconds:
            problems.append(
                f"ad_seconds={timing.ad_seconds} must be shorter than "
                f"proof_seconds={timing.proof_seconds}, or no ad can be finished in time"
            )
        if window + 2 * timing.proof_seconds >= cycle:
            problems.append(
                f"window_seconds={window} and twice proof_seconds={timing.proof_seconds} "
                f"must fit into cycle_seconds={cycle}, or a late proof costs the next window"
            )
    if problems:
        raise TimingError("; ".join(problems))


def phase_seconds(timing: Timing, group_number: int) -> int:
    """Offset of a group's opening in every cycle: (g - 1) staggers, modulo the cycle."""
    return (group_number - 1) * timing.stagger_seconds % timing.cycle_seconds


def daily_schedule(table: Timetable, group_number: int) -> list[str]:
    """Openings of one UTC day as "HH:MM:SS", the form stored in user_groups.mining_schedule."""
    first = table.phases_seconds[group_number - 1]
    starts = range(first, DAY_SECONDS, table.timing.cycle_seconds)
    return [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in starts]


def read_schedule(timing: Timing, schedule: list[str]) -> int:
    """First opening of a stored schedule in seconds.

    Raise TimingError if the entries are not one cycle apart over the whole day.
    """
    try:
        clock = [[int(part) for part in entry.split(":")] for entry in schedule]
        seconds = [h * 3600 + m * 60 + s for h, m, s in clock]
    except ValueError as error:
        raise TimingError(f"a schedule entry is not HH:MM:SS: {error}") from None
    cycle = timing.cycle_seconds
    if not seconds or seconds != list(range(seconds[0] % cycle, DAY_SECONDS, cycle)):
        raise TimingError(f"schedule {schedule[:4]}… does not open once per {cycle} s")
    return seconds[0]


def timetable(timing: Timing) -> Timetable:
    """The timetable that `timing` implies, before anybody edited a group's schedule."""
    groups = range(1, GROUP_COUNT + 1)
    return Timetable(timing, tuple(phase_seconds(timing, group) for group in groups))


def micros(at: datetime) -> int:
    """Microseconds since the epoch."""
    return (at - EPOCH) // _MICROSECOND


def instant(us: int) -> datetime:
    """The instant at `us` microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=us)


def boundary_at_or_before(at: datetime, period_seconds: int, offset_seconds: int = 0) -> datetime:
    """The latest instant <= `at` that lies a whole number of periods after epoch + offset."""
    period, offset = period_seconds * 1_000_000, offset_seconds * 1_000_000
    return instant(micros(at) - (micros(at) - offset) % period)


def current_window(table: Timetable, group_number: int, at: datetime) -> Window | None:
    """The group's open window at `at`, or None while it is closed."""
    timing = table.timing
    opens_at = boundary_at_or_before(
        at, timing.cycle_seconds, table.phases_seconds[group_number - 1]
    )
    window = Window(opens_at, opens_at + timedelta(seconds=timing.window_seconds))
    return window if at < window.closes_at else None


def next_opening(table: Timetable, group_number: int, at: datetime) -> datetime:
    """The group's first opening strictly after `at`."""
    cycle = table.timing.cycle_seconds
    latest = boundary_at_or_before(at, cycle, table.phases_seconds[group_number - 1])
    return latest + timedelta(seconds=cycle)


def phase_in_window(window_seconds: int, user_id: int) -> timedelta:
    """How long after the opening this user is told of it: stable, and uniform over users.

    By a multiplicative hash, because models.mining.reminders computes the same integers in SQL.
    """
    hashed = user_id % PHASE_MODULUS * PHASE_FACTOR % PHASE_MODULUS
    return timedelta(microseconds=hashed * window_seconds * 1_000_000 // PHASE_MODULUS)


def bucket_of(user_id: int) -> int:
    """The piece of the data a user lives in (decision 0009)."""
    return user_id % BUCKET_COUNT


def tick_group(bucket: int) -> int:
    """Whose queue a bucket's ticks go through: each group has a tenth of them."""
    return 1 + bucket % GROUP_COUNT


NEWCOMERS_IN_ROUND = BUCKET_COUNT * BUCKET_COUNT


def user_id_of(number: int, *, on_cluster: bool = False) -> int:
    """The id of the `number`-th user, counted from 1 (decision 0009).

    64 newcomers in a row share a bucket, then 64 the next one: the rows of a piece lie close
    together on disk, and all buckets grow alike. On a cluster each has the next bucket: there a
    piece's rows lie together anyhow, and no node has all newcomers of an hour (decision 0050).
    Both ways make the same ids of a round of 4096 numbers.
    """
    round_, within = divmod(number - 1, NEWCOMERS_IN_ROUND)
    first, second = divmod(within, BUCKET_COUNT)
    bucket, place = (second, first) if on_cluster else (first, second)
    return (round_ * BUCKET_COUNT + place + 1) * BUCKET_COUNT + bucket


def utc_day(at: datetime) -> date:
    """The UTC day an instant belongs to; 00:00:00 belongs to the day it begins."""
    return at.astimezone(UTC).date()


def next_midnight(at: datetime) -> datetime:
    """The first instant of the UTC day after that of `at`."""
    return boundary_at_or_before(at, DAY_SECONDS) + timedelta(seconds=DAY_SECONDS)
