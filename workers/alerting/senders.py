"""PagerDuty (Events API v2), a Slack-style incoming webhook, and e-mail."""

import logging
from typing import Any

import httpx
from msgspec import Struct

from engine.core.addresses import AddressError
from runtime.http_client import open_http
from runtime.mail import MailError, read_sender, send_mail
from workers.alerting.contract import Notice, NotToldError

# Its INFO lines show a webhook's address, which is its secret.
logging.getLogger("httpx").setLevel(logging.WARNING)

TIMEOUT_SECONDS = 5.0


class PagerDuty(Struct, frozen=True):
    """An event per alert. The vendor joins those of one `dedup_key`: telling twice does no harm."""

    url: str
    key: str

    async def tell(self, notice: Notice) -> None:
        """Trigger an incident, or resolve it."""
        event = {
            "routing_key": self.key,
            "event_action": "resolve" if notice.is_over else "trigger",
            "dedup_key": f"twtc:{notice.key}",
            "payload": {
                "summary": notice.text[:1024],
                "source": "twtc",
                "severity": notice.severity.lower(),
                "timestamp": notice.opened_at.isoformat(),
                "custom_details": dict(notice.figures),
            },
        }
        await _post(self.url, event)


class Webhook(Struct, frozen=True):
    """A message in a chat."""

    url: str

    async def tell(self, notice: Notice) -> None:
        """Post one line."""
        head = "Over" if notice.is_over else notice.severity.capitalize()
        since = f"{notice.opened_at:%Y-%m-%d %H:%M} UTC"
        await _post(self.url, {"text": f"{head}: {notice.text} (since {since})"})


class SmtpMailer(Struct, frozen=True):
    """Mail to one address."""

    url: str
    sender: str
    address: str

    async def send(self, subject: str, text: str) -> None:
        """Hand it over to the mail server."""
        try:
            _, recipient = read_sender(self.address)
            await send_mail(self.url, self.sender, recipient, subject, text)
        except (MailError, AddressError) as error:
            raise NotToldError(str(error)) from error


async def _post(url: str, body: dict[str, Any]) -> None:
    try:
        async with open_http(TIMEOUT_SECONDS) as http:
            answer = await http.post(url, json=body)
    except httpx.HTTPError as error:
        raise NotToldError(type(error).__name__) from None
    if not answer.is_success:
        raise NotToldError(f"status {answer.status_code}")
