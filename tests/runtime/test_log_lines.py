"""Lines are made and written behind the event loop's back, and none is lost at the end."""

import logging
import os
import subprocess
import sys
import threading
from queue import Queue
from types import TracebackType

import pytest

from runtime.telemetry import logs
from runtime.telemetry.context import about
from runtime.telemetry.logs import Behind
from tests.kit.root import ROOT

SECONDS_MAX = 60
LINES = 3_000
BEGIN = f"""
import logging, multiprocessing, os, signal, sys
from runtime.telemetry.logs import set_up_logs
def say(log=logging.getLogger("x")):
    for n in range({LINES}):
        log.info("line %d", n)
if __name__ == "__main__":
"""
ENDS = {
    "it returns": "set_up_logs('clock', 'json'); say()",
    "it exits": "set_up_logs('clock', 'json'); say(); sys.exit(3)",
    "it raises": "set_up_logs('clock', 'text'); say(); raise RuntimeError('the last of it')",
    "it is asked to": """set_up_logs('clock', 'text')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); say(); os.kill(os.getpid(), 15)""",
    "it was forked": """process = multiprocessing.get_context("fork").Process(
        target=lambda: (set_up_logs('worker', 'text'), say()))
    process.start(); process.join()""",
    "its parent had begun": """set_up_logs('worker', 'text')
    process = multiprocessing.get_context("fork").Process(target=say)
    process.start(); process.join()""",
}


@pytest.mark.parametrize("end", ENDS)
def test_no_line_is_lost_however_a_program_ends(end: str) -> None:
    command = [sys.executable, "-c", f"{BEGIN}    {ENDS[end]}"]
    done = subprocess.run(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX, check=False
    )
    found = [line for line in done.stderr.splitlines() if "line " in line and "x" in line]
    assert len(found) == LINES, done.stderr[-2_000:]
    assert f"line {LINES - 1}" in found[-1]
    assert ("the last of it" in done.stderr) == (end == "it raises")


@pytest.mark.parametrize(("form", "shown"), [("text", [503]), ("json", [202, 503])])
def test_people_are_shown_only_the_requests_that_failed(form: str, shown: list[int]) -> None:
    """A start that was recorded, and one for which there was no room."""
    program = f"""
import asyncio, time
from types import SimpleNamespace
from api.web_base.counting import count_answer
from models.operations.request_counts import RequestCounts
from runtime.telemetry.logs import set_up_logs
set_up_logs("web", "{form}")
app = SimpleNamespace(state={{"services": SimpleNamespace(counts=RequestCounts())}})
for status in (202, 503):
    scope = {{"litestar_app": app, "path_template": "/v1/mining/sessions", "method": "POST",
             "path": "/v1/mining/sessions", "headers": [], "twtc_began": time.perf_counter()}}
    message = {{"type": "http.response.start", "status": status, "headers": []}}
    asyncio.run(count_answer(message, scope))
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=SECONDS_MAX, check=True
    )
    lines = [line for line in done.stderr.splitlines() if "POST /v1/mining/sessions" in line]
    assert len(lines) == len(shown), done.stderr
    for line, status in zip(lines, shown, strict=True):
        assert str(status) in line and ("WARNING" in line) == (status == 503)


class Writer(logging.Handler):
    """Writes when it is let, and keeps in which thread."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.lines: Queue[tuple[str, int]] = Queue()

    def emit(self, record: logging.LogRecord) -> None:
        assert self.go.wait(SECONDS_MAX)
        ids = getattr(record, "ids", {})
        self.lines.put((f"{record.getMessage()} {ids}", threading.get_ident()))


def record(words: str, error: BaseException | None = None) -> logging.LogRecord:
    info: tuple[type[BaseException], BaseException, TracebackType | None] | None = (
        (type(error), error, error.__traceback__) if error else None
    )
    return logging.LogRecord("x", logging.INFO, "", 0, words, (), info)


def test_who_logs_waits_for_no_line_to_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LINES_WAITING_MAX", 5)
    writer = Writer()
    behind = Behind(writer)
    with about(intent_id=7):
        behind.handle(record("first"))
    for number in range(20):  # one is being written, five wait, the others are counted
        behind.handle(record(f"further {number}"))
    writer.go.set()
    first, thread = writer.lines.get(timeout=SECONDS_MAX)
    assert first == "first {'intent_id': 7}", "what it is about is known to who logs alone"
    assert thread != threading.get_ident()
    while not behind.queue.empty():  # type: ignore[attr-defined]
        writer.lines.get(timeout=SECONDS_MAX)
    behind.handle(record("later"))
    behind.close()
    behind.handle(record("after the end"))
    said = []
    while not writer.lines.empty():
        said.append(writer.lines.get()[0])
    assert any("lines were left out" in line for line in said)
    assert [line for line in said if line.startswith(("later", "after"))] == [
        "later {}", "after the end {}"
    ]  # fmt: skip


def test_the_trace_of_an_error_is_made_by_the_thread() -> None:
    made_by: list[int] = []

    class Formatter(logging.Formatter):
        def formatException(self, ei: object) -> str:  # noqa: N802
            made_by.append(threading.get_ident())
            return super().formatException(ei)  # type: ignore[arg-type]

    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        writer = logging.StreamHandler(nowhere)
        writer.setFormatter(Formatter())
        behind = Behind(writer)
        behind.handle(record("broken", ValueError("a" * 60_000)))
        behind.close()
    assert made_by and made_by[0] != threading.get_ident()
