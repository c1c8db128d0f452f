"""Who is told of alerts, and what they are told of."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from msgspec.structs import replace

from models.base.db import connected, run, sql
from models.operations.request_counts import RequestCounts
from runtime.clock import new_id, utcnow
from runtime.environment import AlertConfig, Config
from tests.kit.counterpart import Counterpart, Reply, counterpart
from tests.kit.words import START
from tests.kit.world import Person, World
from workers.alerting import open_channels

OK, TAKEN, BROKEN = Reply(200, b"ok"), Reply(202, b"{}"), Reply(500, b"")
CHECK = timedelta(minutes=5)
NOON = START + timedelta(days=8, hours=12)


class Receivers:
    """A chat, a pager and a mailbox of this machine."""

    def __init__(self, chat: Counterpart, pager: Counterpart, config: Config) -> None:
        self.chat, self.pager, self.config = chat, pager, config
        self.mails: list[Envelope] = []

    @property
    def lines(self) -> list[str]:
        return [json.loads(request.body)["text"] for request in self.chat.received]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.pager.received]

    @property
    def actions(self) -> list[tuple[str, str]]:
        return [(event["event_action"], event["dedup_key"]) for event in self.events]

    async def handle_DATA(self, server: object, session: object, mail: Envelope) -> str:  # noqa: N802
        self.mails.append(mail)
        return "250 OK"


@pytest.fixture
def receivers(world: World, unused_tcp_port: int) -> Iterator[Receivers]:
    """All three channels, as the world's workers know them."""
    with counterpart(OK) as chat, counterpart(TAKEN) as pager:
        chosen = AlertConfig(f"{chat.url}/hook", f"{pager.url}/v2/enqueue", "key", "ops@x.example")
        smtp_url = f"smtp://127.0.0.1:{unused_tcp_port}"
        config = replace(world.config, alerts=chosen, smtp_url=smtp_url, mail_from="t@x.example")
        world.shop = replace(world.shop, channels=open_channels(config))
        receivers = Receivers(chat, pager, config)
        mailbox = Controller(receivers, hostname="127.0.0.1", port=unused_tcp_port)
        mailbox.start()
        yield receivers
        mailbox.stop()


async def write(world: World, statement: str, **params: Any) -> None:
    async with connected(world.database) as connection:
        await run(connection, sql(statement), params)


async def count(world: World, at: datetime, **values: int) -> None:
    """What the web processes have counted by an instant."""
    counts = RequestCounts()
    counts.now.update(values)
    await counts.add_up(world.database, at)


async def suspect(
    world: World, person: Person, event: str, severity: str, at: datetime | None = None
) -> None:
    await write(
        world,
        "INSERT INTO fraud_logs (bucket, id, user_id, event_type, severity, details, ip_address,"
        " created_at) VALUES (:bucket, :id, :user_id, :event, :severity, '{}', '192.0.2.7', :now)",
        bucket=person.id % 64,
        id=new_id(utcnow()),
        user_id=person.id,
        event=event,
        severity=severity,
        now=at or utcnow(),
    )
