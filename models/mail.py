"""Handing an e-mail over to the operator's mail server."""

from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

SECONDS_MAX = 5


class MailError(Exception):
    """The mail server did not take it; it may be tried again."""


async def send_mail(url: str, sender: str, address: str, subject: str, text: str) -> None:
    """By `smtp://`, with STARTTLS where it is offered, or by `smtps://`. Raise MailError."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, address, subject
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    parts = urlsplit(url)
    try:
        await aiosmtplib.send(
            mail,
            hostname=parts.hostname,
            port=parts.port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            timeout=SECONDS_MAX,
        )
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise MailError(type(error).__name__) from error
