"""The processes of one program: each answers for all, and each leaves signs of life."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from runtime.telemetry.meter import Figures, Spread, meter
from runtime.telemetry.metrics import DEAD_LETTERS, INTENT_AGE, INTENTS_DONE, LOOP_LAG
from runtime.telemetry.siblings import SILENCE_SECONDS_MAX, Siblings, Sign, find_faults, signs_dir
from tests.kit.telemetry import Since

URL = "postgresql://nobody@nowhere/test_telemetry"


@pytest.fixture
def siblings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Siblings]:
    """This process as a worker among others, in a folder of the test's."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = Siblings("worker", URL)
    found.join()
    yield found


def _leave(pid: int, figures: Figures, age: float = 0) -> Path:
    path = signs_dir(URL) / f"worker-{os.getppid()}" / f"{pid}.json"
    path.write_bytes(msgspec.json.encode(Sign(pid, time.monotonic() - age, figures)))
    return path


DEAD_PID = 2**22 + 1  # beyond the largest that Linux gives


def _figures(number: int) -> Figures:
    return Figures(
        [
            (INTENTS_DONE.name, ("test.merge", "applied"), number),
            (DEAD_LETTERS.name, (), number),
            (LOOP_LAG.name, ("test",), number),
        ],
        [(INTENT_AGE.name, ("test.merge",), Spread([number] * 17, number))],
    )


def test_whichever_process_is_asked_answers_for_all(siblings: Siblings) -> None:
    meter.set(DEAD_LETTERS, 0)
    _leave(os.getppid(), _figures(1))
    _leave(DEAD_PID, _figures(10))
    text = siblings.expose("")[0].decode()
    assert 'twtc_intents_done_total{kind="test.merge",outcome="applied"} 11.0' in text
    assert 'twtc_intent_age_seconds_bucket{kind="test.merge",le="0.025"} 22.0' in text
    assert 'twtc_intent_age_seconds_count{kind="test.merge"} 187.0' in text
    assert "twtc_dead_letters 1.0" in text  # the dead have no state
    assert 'twtc_event_loop_lag_seconds{process="test"} 1.0' in text


def test_a_new_process_goes_on_from_the_figures_of_a_dead_one(siblings: Siblings) -> None:
    since = Since()
    path = _leave(DEAD_PID, _figures(3))
    siblings.join()
    assert not path.exists()
    assert since.count(INTENTS_DONE, "test.merge", "applied") == 3
    assert since.observed(INTENT_AGE, "test.merge") == 51


def test_a_program_is_well_while_all_its_processes_leave_signs(siblings: Siblings) -> None:
    assert find_faults("clock", URL) == ["no clock process has left a sign of life"]
    siblings.write()
    assert find_faults("worker", URL) == []
    _leave(DEAD_PID, Figures(), SILENCE_SECONDS_MAX + 10)  # ended, and replaced
    assert find_faults("worker", URL) == []
    _leave(os.getppid(), Figures(), SILENCE_SECONDS_MAX + 10)
    assert find_faults("worker", URL) == [
        f"process {os.getppid()} has been silent for {SILENCE_SECONDS_MAX + 10} s"
    ]
