"""Mail leaves for the recipient it was handed over for, and for nobody who is only written of."""

from collections.abc import AsyncIterator
from email import message_from_string, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from msgspec.structs import replace

from api.identity.newcomers import refuse_address
from api.messages.senders import Messenger, NoGateway, NotSentError, SmtpSender, open_messenger
from api.messages.texts import Message
from api.web_base.problems import ProblemError
from engine.core.addresses import AddressError, parse_address
from runtime.environment import Config
from runtime.mail import read_sender, send_mail
from tests.kit.addresses import NONE
from tests.kit.world import World
from workers.alerting import open_channels
from workers.alerting.contract import NotToldError
from workers.alerting.senders import SmtpMailer

SENDER = "TWTC <no-reply@twtc.example>"
MESSAGE = Message("A code", "123456")


class Inbox:
    """A mail server's memory. `greetings`: how often it was asked what it can do."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []
        self.greetings = 0

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        self.greetings += 1
        session.host_name = hostname
        return lines

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.received.append(envelope)
        return "250 OK"


class Server:
    """A mail server, with or without SMTPUTF8."""

    def __init__(self, port: int, *, has_utf8: bool) -> None:
        self.inbox = Inbox()
        self.url = f"smtp://127.0.0.1:{port}"
        self._controller = Controller(
            self.inbox, hostname="127.0.0.1", port=port, enable_SMTPUTF8=has_utf8
        )

    def __enter__(self) -> "Server":
        self._controller.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._controller.stop()


@pytest.fixture
async def server(unused_tcp_port: int) -> AsyncIterator[Server]:
    """One that is as most are."""
    with Server(unused_tcp_port, has_utf8=True) as opened:
        yield opened


@pytest.mark.parametrize("address", NONE)
async def test_nothing_is_sent_to_what_is_no_address(server: Server, address: str) -> None:
    with pytest.raises(NotSentError):
        await SmtpSender(server.url, SENDER).send(address, MESSAGE)
    if "\ud800" not in address:
        with pytest.raises(NotToldError):
            await SmtpMailer(server.url, SENDER, address + ", x").send("Alerts", "None.")
    assert server.inbox.received == []


@pytest.mark.parametrize(
    ("address", "recipient"),
    [
        ("ann@x.example", "ann@x.example"),
        ("o'brien+x=y@x.example", "o'brien+x=y@x.example"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("أحمد@x.example", "أحمد@x.example"),
    ],
)
async def test_the_envelope_and_the_header_name_the_one_recipient(
    server: Server, address: str, recipient: str
) -> None:
    await SmtpSender(server.url, SENDER).send(address, Message("رمز", "١٢٣"))
    [envelope] = server.inbox.received
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@twtc.example", [recipient])
    assert isinstance(envelope.content, bytes)
    mail = message_from_string(envelope.content.decode(), policy=policy.SMTPUTF8)
    [to] = mail["To"].addresses
    assert (to.addr_spec, to.display_name) == (recipient, "")
    assert mail["From"].addresses[0].display_name == "TWTC"
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("رمز", "auto-generated")


async def test_a_summary_goes_to_the_operators_address(server: Server) -> None:
    await SmtpMailer(server.url, SENDER, "ops@mail.internal").send("Alerts", "None.")
    [envelope] = server.inbox.received
    assert envelope.rcpt_tos == ["ops@mail.internal"]


@pytest.mark.parametrize("has_utf8", [True, False])
async def test_the_server_is_asked_once_whether_it_reaches_such_letters(
    world: World, unused_tcp_port: int, has_utf8: bool
) -> None:
    with Server(unused_tcp_port, has_utf8=has_utf8) as server:
        sender = SmtpSender(server.url, SENDER)
        services = replace(world.services, messenger=Messenger(sender, NoGateway()))
        await refuse_address(services, "email", parse_address("ann@bücher.example"))
        assert server.inbox.greetings == 0  # the domain travels as ASCII: any server will do
        for _ in range(3):
            if has_utf8:
                await refuse_address(services, "email", parse_address("أحمد@x.example"))
                continue
            with pytest.raises(ProblemError) as refused:
                await refuse_address(services, "email", parse_address("أحمد@x.example"))
            assert refused.value.problem.type == "urn:twtc:problem:address-unreachable"
            assert refused.value.problem.status == 422
        assert server.inbox.greetings == 1


async def test_a_server_that_is_away_is_asked_again(world: World, unused_tcp_port: int) -> None:
    sender = SmtpSender(f"smtp://127.0.0.1:{unused_tcp_port}", SENDER)
    services = replace(world.services, messenger=Messenger(sender, NoGateway()))
    with pytest.raises(ProblemError) as refused:
        await refuse_address(services, "email", parse_address("أحمد@x.example"))
    assert refused.value.problem.status == 503
    with Server(unused_tcp_port, has_utf8=True):
        await refuse_address(services, "email", parse_address("أحمد@x.example"))


async def test_the_operators_own_addresses_are_looked_at_when_a_process_starts(
    config: Config,
) -> None:
    assert read_sender(SENDER)[0] == "TWTC"
    wrong = replace(config, smtp_url="smtp://x", mail_from="TWTC <no-reply@>")
    with pytest.raises(AddressError, match="TWTC_MAIL_FROM"):
        open_messenger(wrong)
    told = replace(config.alerts, mail_to="ops@x.example, all@x.example")
    with pytest.raises(AddressError, match="TWTC_ALERTS_MAIL_TO"):
        open_channels(replace(wrong, mail_from=SENDER, alerts=told))


async def test_a_message_cannot_be_lengthened_by_its_subject(server: Server) -> None:
    address = parse_address("ann@x.example")
    with pytest.raises(Exception, match="ValueError"):
        await send_mail(server.url, SENDER, address, "Hi\r\nBcc: you@x.example", "text")
    assert server.inbox.received == []
