"""Judging a watch beat by beat, as functions: the server's clock is all that makes it grow."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.intake.watch_token import seal, unseal
from engine.boosts.watching import (
    DRIFT_US_MAX,
    GAP_US_MAX,
    Beat,
    Fault,
    PlayerState,
    Progress,
    advance,
    begin_watch,
)
from engine.core.timeline import instant, micros
from tests.kit.words import at

SECOND = 1_000_000
LENGTH = 60
STARTED_AT = at("00:10")
SECRET = b"a secret of this installation, 32"
PLAYING, ENDED = PlayerState.PLAYING, PlayerState.ENDED


def watched(progress: Progress, seconds: float, position: float, **player: Any) -> Progress:
    """The progress after a beat that comes `seconds` after the start."""
    return judged(progress, seconds, position, **player)[0]


def judged(
    progress: Progress,
    seconds: float,
    position: float,
    state: PlayerState = PLAYING,
    muted: object = False,
    visible: object = True,
) -> tuple[Progress, Fault | None]:
    beat = Beat(round(position * SECOND), state, bool(muted), bool(visible))
    return advance(progress, beat, STARTED_AT + timedelta(seconds=seconds))


def begun(length: int = LENGTH) -> Progress:
    return begin_watch(UUID(int=1), length, STARTED_AT)


def played(speed: float, until: float, every: float = 5) -> Progress:
    """Beats of a player that runs at a speed and takes no notice of faults."""
    progress, seconds = begun(), 0.0
    while seconds < until:
        seconds = min(seconds + every, until)
        progress = watched(progress, seconds, min(seconds * speed, LENGTH))
    return progress


positions = st.integers(-(2**40), 2**40)
beats = st.builds(Beat, positions, st.sampled_from(PlayerState), st.booleans(), st.booleans())
waits = st.integers(-5 * SECOND, 90 * SECOND)
histories = st.lists(st.tuples(waits, beats), max_size=40)
lengths = st.integers(1, 600)


@given(lengths, histories)
def test_what_is_reached_never_grows_faster_than_the_clock(
    length: int, history: list[tuple[int, Beat]]
) -> None:
    progress = begun(length)
    now = latest = micros(STARTED_AT)
    for wait, beat in history:
        now += wait
        after, _ = advance(progress, beat, instant(now))
        latest = max(latest, now)
        elapsed_us = max(0, now - progress.beat_at_us)
        assert 0 <= after.reached_us - progress.reached_us <= min(elapsed_us, GAP_US_MAX)
        assert after.reached_us <= latest - micros(STARTED_AT)
        progress = after


@given(lengths, histories)
def test_what_is_reached_never_lies_beyond_what_was_shown(
    length: int, history: list[tuple[int, Beat]]
) -> None:
    progress, shown = begun(length), 0
    now = micros(STARTED_AT)
    for wait, beat in history:
        now += wait
        progress, _ = advance(progress, beat, instant(now))
        if not beat.is_muted and beat.is_visible and beat.state in (PLAYING, ENDED):
            position = length * SECOND if beat.state is ENDED else beat.position_us
            shown = max(shown, position)
        assert progress.reached_us <= min(shown, length * SECOND)


@given(histories, st.data())
def test_no_order_repeat_or_old_token_gains_time(
    history: list[tuple[int, Beat]], data: st.DataObject
) -> None:
    tokens = [begun()]
    now = latest = micros(STARTED_AT)
    for wait, beat in history:
        before = data.draw(st.sampled_from(tokens))
        now += wait
        latest = max(latest, now)
        after, _ = advance(before, beat, instant(now))
        tokens += [after, advance(after, beat, instant(now))[0]]
        assert tokens[-1].reached_us == after.reached_us
    assert max(t.reached_us for t in tokens) <= latest - micros(STARTED_AT)


@given(lengths, histories)
def test_a_fault_is_counted_and_gains_nothing(length: int, history: list[tuple[int, Beat]]) -> None:
    progress, now = begun(length), micros(STARTED_AT)
    for wait, beat in history:
        now += wait
        after, fault = advance(progress, beat, instant(now))
        assert after.faults == progress.faults + (fault is not None)
        if fault is not None:
            assert after.reached_us == progress.reached_us
        progress = after


def test_watching_at_its_own_speed_reaches_the_end_with_the_clock() -> None:
    assert not played(1, LENGTH - 0.000001).is_complete
    complete = played(1, LENGTH)
    assert complete.is_complete
    assert (complete.reached_us, complete.faults) == (LENGTH * SECOND, 0)


@pytest.mark.parametrize("speed", [1.25, 1.5, 2, 16])
def test_fast_playback_is_found_out_and_never_arrives(speed: float) -> None:
    fast = played(speed, LENGTH / speed)
    assert fast.faults > 0
    assert fast.reached_us < LENGTH * SECOND / speed
    patient = played(speed, 10 * LENGTH)  # still at the end, hours later
    assert not patient.is_complete


def test_slow_playback_counts_what_was_shown() -> None:
    slow = played(0.5, LENGTH)
    assert (slow.reached_us, slow.faults) == (LENGTH // 2 * SECOND, 0)
    assert played(0.5, 2 * LENGTH).is_complete


def test_a_seek_ahead_is_refused_to_the_microsecond() -> None:
    ten = watched(begun(), 10, 10)
    allowed = 15 + DRIFT_US_MAX / SECOND
    after, fault = judged(ten, 15, allowed)
    assert (after.reached_us, fault) == (15 * SECOND, None)  # and no more than the clock
    after, fault = judged(ten, 15, allowed + 0.000001)
    assert (after.reached_us, fault) == (10 * SECOND, Fault.SKIPPED)


def test_going_back_to_where_it_was_reached_makes_up_for_a_seek() -> None:
    sought, fault = judged(watched(begun(), 10, 10), 15, 50)
    assert fault is Fault.SKIPPED
    on, fault = judged(sought, 20, 55)
    assert (on.reached_us, fault) == (10 * SECOND, Fault.SKIPPED)
    back, fault = judged(on, 25, 15)
    assert (back.reached_us, fault) == (15 * SECOND, None)


def test_watching_a_passage_again_takes_nothing_away_and_adds_nothing() -> None:
    again, fault = judged(watched(begun(), 20, 20), 25, 3)
    assert (again.reached_us, fault) == (20 * SECOND, None)


@pytest.mark.parametrize(
    ("player", "fault"),
    [
        ({"muted": True}, Fault.MUTED),
        ({"visible": False}, Fault.HIDDEN),
        ({"state": PlayerState.PAUSED}, Fault.PAUSED),
        ({"state": PlayerState.BUFFERING}, Fault.PAUSED),
        ({"state": ENDED, "muted": True}, Fault.MUTED),
        ({"state": ENDED, "visible": False}, Fault.HIDDEN),
    ],
)
def test_time_that_is_muted_hidden_or_paused_is_lost(
    player: dict[str, object], fault: Fault
) -> None:
    after, found = judged(watched(begun(), 55, 25), 60, 30, **player)  # type: ignore[arg-type]
    assert (after.reached_us, found) == (25 * SECOND, fault)
    # The clock has moved on: the five seconds cannot be claimed by the next beat.
    after, found = judged(after, 60, 30)
    assert (after.reached_us, found) == (25 * SECOND, Fault.SKIPPED)


def test_after_a_long_pause_the_video_goes_on_where_it_was() -> None:
    paused = watched(watched(begun(), 10, 10), 15, 15, state=PlayerState.PAUSED)
    resumed, fault = judged(paused, 3600, 10)
    assert (resumed.reached_us, fault) == (10 * SECOND, None)
    assert watched(resumed, 3605, 15).reached_us == 15 * SECOND


def test_of_a_silence_half_a_minute_counts() -> None:
    limit = GAP_US_MAX / SECOND
    silent, fault = judged(begun(300), limit, limit)
    assert (silent.reached_us, fault) == (30 * SECOND, None)
    silent, fault = judged(begun(300), 120, limit)
    assert (silent.reached_us, fault) == (30 * SECOND, None)
    silent, fault = judged(begun(300), 120, 120)
    assert (silent.reached_us, fault) == (0, Fault.SILENT)


def test_an_end_that_comes_early_is_no_end() -> None:
    after, fault = judged(watched(begun(), 5, 5), 10, LENGTH, state=ENDED)
    assert (after.reached_us, fault) == (5 * SECOND, Fault.SKIPPED)
    near = played(1, LENGTH - 5)
    early, fault = judged(near, LENGTH - 1, LENGTH, state=ENDED)
    assert (early.is_complete, fault) == (False, None)  # players round: the clock decides
    assert watched(early, LENGTH, LENGTH, state=ENDED).is_complete


def test_a_player_that_says_it_ended_need_not_name_the_last_position() -> None:
    assert watched(played(1, LENGTH - 5), LENGTH, 59.2, state=ENDED).is_complete


@given(st.integers(1, 86_400), st.integers(0, 2**62), st.integers(0, 2**40))
def test_a_token_carries_the_progress_and_nobody_else_can_make_one(
    length: int, reached_us: int, faults: int
) -> None:
    progress = Progress(UUID(int=7), length * SECOND, reached_us, micros(STARTED_AT), faults)
    token = seal(SECRET, progress)
    opened = unseal(SECRET, token)
    assert opened is not None and opened.faults == min(faults, 2**32 - 1)
    assert (opened.reached_us, opened.beat_at_us) == (reached_us, progress.beat_at_us)
    assert len(token) <= 200
    assert unseal(b"another secret, just as long, 32", token) is None


@given(st.data())
def test_a_token_that_was_touched_is_none_of_ours(data: st.DataObject) -> None:
    token = seal(SECRET, begun())
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgh0123456789-_=\x00é"))
    changed = token[:place] + other + token[place + 1 :]
    found = unseal(SECRET, changed)
    assert found is None or found == begun()  # unused bits of the last character
    assert unseal(SECRET, token[:place]) is None


@pytest.mark.parametrize("token", ["", "=", "A", "AAAA", "é", "\ud800", "A" * 200, " ", "a.b.c"])
def test_what_is_no_token_opens_nothing(token: str) -> None:
    assert unseal(SECRET, token) is None
