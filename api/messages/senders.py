"""How a message leaves: SMTP, a folder for development, or not at all (decision 0026)."""

import asyncio
import logging
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from api.messages.texts import Message
from engine.core.addresses import AddressError, parse_address
from runtime.environment import Config
from runtime.mail import MailError, check_own, send_mail, takes_utf8

log = logging.getLogger(__name__)


class NotSentError(Exception):
    """The message did not leave; it may be tried again."""


class Sender(Protocol):
    """Sends a message to an address. Raises NotSentError."""

    async def send(self, address: str, message: Message) -> None: ...

    async def takes_utf8(self) -> bool:
        """Whether it reaches addresses that are not ASCII. Raise NotSentError."""
        ...


class SmtpSender:
    """E-mail by `smtp://`, with STARTTLS where it is offered, or by `smtps://`."""

    def __init__(self, url: str, sender: str) -> None:
        self._url, self._sender = url, sender
        self._takes_utf8: bool | None = None

    async def send(self, address: str, message: Message) -> None:
        """Hand the message over to the mail server."""
        try:
            recipient = parse_address(address)
            await send_mail(self._url, self._sender, recipient, message.subject, message.text)
        except AddressError:
            log.warning("an e-mail was not sent: its address is none")
            raise NotSentError from None
        except MailError as error:
            log.warning("an e-mail was not sent: %s", error)
            raise NotSentError from error

    async def takes_utf8(self) -> bool:
        """What the mail server said when it was asked first."""
        if self._takes_utf8 is None:
            try:
                self._takes_utf8 = await takes_utf8(self._url)
            except MailError as error:
                log.warning("the mail server was not asked for SMTPUTF8: %s", error)
                raise NotSentError from error
        return self._takes_utf8


class Outbox(Struct, frozen=True):
    """Messages as files, for development: a file per address holds its last message."""

    folder: Path

    async def send(self, address: str, message: Message) -> None:
        """Write the message where the developer finds it."""
        name = "".join(
            letter if letter.isalnum() or letter in "@.+-_" else "_" for letter in address
        )
        await asyncio.to_thread(self._write, name, f"{message.subject}\n\n{message.text}\n")

    async def takes_utf8(self) -> bool:
        """A file's name may have any letter."""
        return True

    def _write(self, name: str, text: str) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.folder / f".{name}"
        unfinished.write_text(text)
        unfinished.replace(self.folder / name)  # whoever waits for it finds all of it


class NoGateway(Struct, frozen=True):
    """Text messages while there is no gateway: that one was due is logged, and nothing of it."""

    async def send(self, address: str, message: Message) -> None:
        """Refuse."""
        log.warning("no gateway for text messages: one was not sent")
        raise NotSentError

    async def takes_utf8(self) -> bool:
        """It reaches nobody."""
        return False


class Messenger(Struct, frozen=True):
    """One sender per kind of address."""

    email: Sender
    phone: Sender

    async def send(self, kind: str, address: str, message: Message) -> None:
        """Send a message to an e-mail address or a phone. Raise NotSentError."""
        await self._sender(kind).send(address, message)

    def reaches(self, kind: str) -> bool:
        """Whether there is a way at all to send messages of a kind."""
        return not isinstance(self._sender(kind), NoGateway)

    def _sender(self, kind: str) -> Sender:
        return self.email if kind == "email" else self.phone


def open_messenger(config: Config) -> Messenger:
    """The senders that the configuration names. Raise AddressError for a sender that is none."""
    if config.smtp_url:
        check_own("TWTC_MAIL_FROM", config.mail_from)
    outbox = Outbox(Path(config.outbox_dir)) if config.outbox_dir else None
    mail = SmtpSender(config.smtp_url, config.mail_from) if config.smtp_url else None
    return Messenger(email=mail or outbox or NoGateway(), phone=outbox or NoGateway())
