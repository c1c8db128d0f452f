"""What a channel of alerts takes. One that is not configured is a line in the log."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from engine.operations.alerts import Severity

log = logging.getLogger(__name__)


class NotToldError(Exception):
    """The channel did not take it: it is told again at the next check."""


class Notice(Struct, frozen=True):
    """Something that is wrong, or over. Nothing in it is personal."""

    key: str
    severity: Severity
    text: str
    figures: Mapping[str, int]
    opened_at: datetime
    is_over: bool


class Channel(Protocol):
    """Tells somebody. Raises NotToldError."""

    async def tell(self, notice: Notice) -> None: ...


class Mailer(Protocol):
    """Sends a text to whoever reads summaries. Raises NotToldError."""

    async def send(self, subject: str, text: str) -> None: ...


class LogLines(Struct, frozen=True):
    """In place of a channel that is not configured."""

    async def tell(self, notice: Notice) -> None:
        """A line, at error level while it is wrong."""
        state = "over" if notice.is_over else notice.severity
        level = logging.INFO if notice.is_over else logging.ERROR
        log.log(level, "alert %s, %s: %s", notice.key, state, notice.text)

    async def send(self, subject: str, text: str) -> None:
        """A line that is no error: what was wrong has had its own."""
        reason = "TWTC_ALERTS_MAIL_TO or TWTC_SMTP_URL is not set"
        log.info("%s: %s (not mailed: %s)", subject, text, reason)


class Channels(Struct, frozen=True):
    """Who is told what (blueprint, "Alerts")."""

    critical: Channel = LogLines()
    warning: Channel = LogLines()
    summary: Mailer = LogLines()
