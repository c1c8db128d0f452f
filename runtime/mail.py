"""Handing an e-mail over to the operator's mail server.

Sender and recipient are parsed addresses, named to the server one by one: no header is ever read
for them.
"""

from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib

from engine.core.addresses import Address, AddressError, parse_address

SECONDS_MAX = 5
_ERRORS = (aiosmtplib.SMTPException, OSError, ValueError)


class MailError(Exception):
    """The mail server did not take it; it may be tried again."""


async def send_mail(url: str, sender: str, recipient: Address, subject: str, text: str) -> None:
    """By `smtp://`, with STARTTLS where it is offered, or by `smtps://`. Raise MailError.

    `sender` is the operator's: an address, or one with a name.
    """
    mail = EmailMessage()
    try:
        name, address = read_sender(sender)
        mail["From"] = _header(address, name)
        mail["To"] = _header(recipient)
        mail["Subject"], mail["Auto-Submitted"] = subject, "auto-generated"
        mail.set_content(text)
        await aiosmtplib.send(
            mail, sender=str(address), recipients=[str(recipient)], **_server(url)
        )
    except _ERRORS as error:
        raise MailError(type(error).__name__) from error


async def takes_utf8(url: str) -> bool:
    """Whether the mail server can send to addresses that are not ASCII. Raise MailError."""
    try:
        async with aiosmtplib.SMTP(**_server(url)) as client:
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
            return client.supports_extension("smtputf8")
    except aiosmtplib.SMTPHeloError:  # so old that it knows no extensions
        return False
    except _ERRORS as error:
        raise MailError(type(error).__name__) from error


def check_own(setting: str, text: str) -> None:
    """Raise AddressError, naming the setting, for what is no address of an operator's."""
    try:
        read_sender(text)
    except AddressError as error:
        raise AddressError(f"{setting}: {error}") from None


def read_sender(text: str) -> tuple[str, Address]:
    """`Name <address>` or an address, as operators write it. Raise AddressError."""
    try:
        header = SMTPUTF8.header_factory("From", text)
    except ValueError:
        raise AddressError("This is more than a line.") from None
    if header.defects or len(header.addresses) != 1:
        raise AddressError("This is not one e-mail address, with a name or without.")
    [found] = header.addresses
    return found.display_name, parse_address(found.addr_spec, is_local=True)


def _header(address: Address, name: str = "") -> HeaderAddress:
    return HeaderAddress(name, username=address.local, domain=address.domain)


def _server(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "hostname": parts.hostname,
        "port": parts.port,
        "username": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password) if parts.password else None,
        "use_tls": parts.scheme == "smtps",
        "timeout": SECONDS_MAX,
    }
