"""Watching a video, judged beat by beat (blueprint, "Video verification"; decision 0020).

`reached_us` is how far the video has been watched without a gap from its beginning. It grows only
while the player plays, visible and with sound, and never faster than the server's own clock. What
was skipped, sped up, muted or hidden does not count: the viewer goes back to where it was reached.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from engine.core.timeline import micros

BEAT_SECONDS = 5  # how often a client should report
GAP_US_MAX = 30_000_000  # of a longer silence, no more than this counts
DRIFT_US_MAX = (
    2_000_000  # how far a position may run ahead of the clock: players round, networks lag
)


class PlayerState(StrEnum):
    """What the player says it does."""

    PLAYING = "PLAYING"
    PAUSED = "PAUSED"
    BUFFERING = "BUFFERING"
    ENDED = "ENDED"


class Fault(StrEnum):
    """Why a beat did not count."""

    PAUSED = "PAUSED"
    MUTED = "MUTED"
    HIDDEN = "HIDDEN"
    SKIPPED = "SKIPPED"  # sought ahead, or played too fast
    SILENT = "SILENT"  # no beat for too long


class Beat(Struct, frozen=True):
    """What a player reports of itself."""

    position_us: int
    state: PlayerState
    is_muted: bool
    is_visible: bool


class Progress(Struct, frozen=True):
    """How far a watch has come by its last beat. Microseconds of video, and of the epoch."""

    boost_id: UUID
    duration_us: int
    reached_us: int
    beat_at_us: int
    faults: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether the whole video has been watched."""
        return self.reached_us >= self.duration_us


def begin_watch(boost_id: UUID, duration_seconds: int, started_at: datetime) -> Progress:
    """Nothing watched yet; the clock runs."""
    return Progress(boost_id, duration_seconds * 1_000_000, 0, micros(started_at))


def advance(progress: Progress, beat: Beat, at: datetime) -> tuple[Progress, Fault | None]:
    """The progress after a beat that arrived at `at`, and why it did not count, if so.

    A beat that comes before the last one, by a clock that is behind, changes nothing.
    """
    elapsed_us = max(0, micros(at) - progress.beat_at_us)
    counted_us = min(elapsed_us, GAP_US_MAX)
    within_us = progress.reached_us + counted_us
    fault = _fault(progress, beat, elapsed_us)
    reached_us = progress.reached_us
    if fault is None:
        ends_at_us = progress.duration_us if beat.state is PlayerState.ENDED else beat.position_us
        reached_us = max(reached_us, min(ends_at_us, within_us, progress.duration_us))
    advanced = replace(
        progress,
        reached_us=reached_us,
        beat_at_us=max(progress.beat_at_us, micros(at)),
        faults=progress.faults + (fault is not None),
    )
    return advanced, fault


def _fault(progress: Progress, beat: Beat, elapsed_us: int) -> Fault | None:
    if beat.is_muted:
        return Fault.MUTED
    if not beat.is_visible:
        return Fault.HIDDEN
    if beat.state not in (PlayerState.PLAYING, PlayerState.ENDED):
        return Fault.PAUSED
    position_us = progress.duration_us if beat.state is PlayerState.ENDED else beat.position_us
    if position_us > progress.reached_us + elapsed_us + DRIFT_US_MAX:
        return Fault.SKIPPED
    if position_us > progress.reached_us + min(elapsed_us, GAP_US_MAX) + DRIFT_US_MAX:
        return Fault.SILENT
    return None
