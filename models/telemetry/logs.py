"""Log lines of web, worker and clock: for people, or a JSON object each (TWTC_LOGS).

A line has ids, not persons: what looks like an address or a token is taken out of any text.
"""

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

from models.telemetry import traces
from models.telemetry.context import notes

# Vendors' clients log the addresses they ask, keys included; the scheduler, every job.
QUIET = ("httpx", "httpcore", "apscheduler", "alembic", "urllib3", "opentelemetry")
OWN_HANDLERS = ("_granian", "granian.access")
_PERSONAL = re.compile(
    r"""
    [\w.+-]+@[\w-]+(\.[\w-]+)+                      # an e-mail address
    | ://[^/\s@]+@                                  # a user and a password in a URL
    | \beyJ[\w-]+\.[\w-]+\.[\w-]*                   # a JSON web token
    | (?i:bearer)\s+[\w.~+/-]+=*
    | \b\d{1,3}(\.\d{1,3}){3}\b                     # IPv4
    | (?<![\w:])(?=[\da-fA-F:]*[a-fA-F:]{2})([\da-fA-F]{1,4}:|:){2,7}([\da-fA-F]{1,4}|:)?(?![\w:])
    | (?<![\w-])\+\d[\d\s()-]{6,}\d\b               # a phone number
    """,
    re.VERBOSE,
)


def without_persons(text: str) -> str:
    """A text without addresses, phone numbers and tokens."""
    return _PERSONAL.sub("[removed]", text)


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


def set_up_logs(program: str, form: str) -> None:
    """Write every logger's lines to standard error, as `text` or `json`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(program) if form == "json" else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in OWN_HANDLERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
