"""Log lines of web, worker and clock: for people, or a JSON object each (TWTC_LOGS).

A line has ids, not persons: what looks like an address or a token is taken out of any text. Lines
are made and written by a thread: the event loop has others to serve (decision 0042).
"""

import logging
import os
import re
import sys
from copy import copy
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from multiprocessing.util import Finalize
from queue import Full, Queue
from typing import Any

import msgspec

from runtime.telemetry import traces
from runtime.telemetry.context import notes

# Vendors' clients log the addresses they ask, keys included; the scheduler, every job.
QUIET = ("httpx", "httpcore", "apscheduler", "alembic", "urllib3", "opentelemetry")
# A line for each request that changed something: for machines. People are told of what failed.
ACCESS = "access"
OWN_HANDLERS = ("_granian", "granian.access")
TEXT_MAX = 10_000
LINES_WAITING_MAX = 10_000

# Each takes time in proportion to the text: it begins where nothing like it goes before, and gives
# nothing back (`++`), or is bounded.
PERSONAL = (
    r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)+",  # an e-mail address
    r"://[^/\s@]++@",  # a user and a password in a URL
    r"(?<![\w-])(?=[\w-]*eyJ)[\w-]++\.[\w-]++\.[\w-]*+",  # a JSON web token
    r"(?i:bearer)\s++[\w.~+/-]++=*+",
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b",  # IPv4
    r"(?<![\w:])(?=[\da-fA-F:]{0,39}[a-fA-F:]{2})"  # IPv6
    r"(?:[\da-fA-F]{1,4}:|:){2,7}(?:[\da-fA-F]{1,4}|:)?(?![\w:])",
    r"(?<![\w-])\+\d[\d\s()-]{6,24}\d\b",  # a phone number
)
_PERSONAL = re.compile("|".join(PERSONAL))
_NUMBER = "+0123456789()- "


def without_persons(text: str) -> str:
    """A text without addresses, phone numbers and tokens; of a long one its beginning and end."""
    return _PERSONAL.sub("[removed]", shortened(text))


def shortened(text: str) -> str:
    """The beginning and the end of a long text, to whole words: half an address looks like none."""
    if len(text) <= TEXT_MAX:
        return text
    head, tail = text[: TEXT_MAX // 2].rsplit(maxsplit=1), text[-TEXT_MAX // 2 :].split(maxsplit=1)
    begin = head[0].rstrip(_NUMBER) if len(head) == 2 else ""
    end = tail[1].lstrip(_NUMBER) if len(tail) == 2 else ""
    return f"{begin} [{len(text) - len(begin) - len(end)} characters left out] {end}"


class JsonLines(logging.Formatter):
    """One JSON object a line: at, level, logger, message, program, ids, and the error's trace."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": without_persons(record.getMessage()),
            "program": self._program,
            **_ids(record),
        }
        if record.exc_info:
            line["error"] = without_persons(self.formatException(record.exc_info))
        return msgspec.json.encode(line, enc_hook=str).decode()


class TextLines(logging.Formatter):
    """A line for people, with the ids at its end."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        ids = "".join(f" {name}={value}" for name, value in _ids(record).items())
        text = f"{record.levelname} {record.name} {record.getMessage()}{ids}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return without_persons(text)


def _ids(record: logging.LogRecord) -> dict[str, Any]:
    given: dict[str, Any] = getattr(record, "ids", {})
    known = {**notes(), **traces.ids(), **given}
    return {name: value for name, value in known.items() if value is not None}


class _Writing(QueueListener):
    """A thread that makes lines and writes them, until all are written that came before its end."""

    def __init__(self, waiting: Queue[logging.LogRecord | None], writer: logging.Handler) -> None:
        super().__init__(waiting, writer)
        self.waiting = waiting

    def enqueue_sentinel(self) -> None:
        """Wait for room, unlike the library's."""
        self.waiting.put(None)


class Behind(QueueHandler):
    """Hands records over to the thread that makes lines of them, and never waits for it.

    When more wait than LINES_WAITING_MAX, further ones are counted instead. After `close`, and in a
    process that was forked, there is no thread: lines are written where they are logged.
    """

    def __init__(self, writer: logging.Handler) -> None:
        waiting: Queue[logging.LogRecord | None] = Queue(LINES_WAITING_MAX)
        super().__init__(waiting)
        self._waiting = waiting
        self._writer = writer
        self._left_out = 0
        self._is_direct = False
        self._thread = _Writing(waiting, writer)
        self._thread.start()
        # Unlike `atexit`, also at the end of a process that multiprocessing has forked.
        Finalize(None, self.close, exitpriority=0)
        os.register_at_fork(after_in_child=self._write_directly)

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """What only this thread knows, and what may change: what it is about, and its words."""
        kept = copy(record)
        kept.msg, kept.args = shortened(record.getMessage()), None
        kept.ids = _ids(record)
        return kept

    def enqueue(self, record: logging.LogRecord) -> None:
        """Hand one over, after word of those that could not be."""
        if self._is_direct:
            self._writer.handle(record)
            return
        try:
            if self._left_out:
                self._waiting.put_nowait(_word_of(self._left_out))
                self._left_out = 0
            self._waiting.put_nowait(record)
        except Full:
            self._left_out += 1

    def close(self) -> None:
        """Write what waits. From now on each line is written at once."""
        if not self._is_direct:
            self._is_direct = True
            self._thread.stop()
        super().close()

    def _write_directly(self) -> None:
        self._is_direct = True


def _word_of(left_out: int) -> logging.LogRecord:
    words = f"{left_out} lines were left out: they came faster than they could be written"
    return logging.LogRecord(__name__, logging.WARNING, "", 0, words, None, None)


def set_up_logs(program: str, form: str) -> None:
    """Write every logger's lines to standard error, as `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(program) if form == "json" else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[Behind(handler)], force=True)
    logging.getLogger(ACCESS).setLevel(logging.INFO if form == "json" else logging.WARNING)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
