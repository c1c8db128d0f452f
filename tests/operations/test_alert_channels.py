"""The channels of alerts: one fails, one is not there, the summary comes by mail."""

from datetime import timedelta
from email import message_from_bytes
from typing import Any

import pytest
from msgspec.structs import replace

from runtime.clock import utcnow
from runtime.environment import Config, ConfigError, load_config
from tests.kit.alerts import BROKEN, CHECK, TAKEN, Receivers, count, receivers, suspect
from tests.kit.words import START
from tests.kit.world import World
from workers.alerting import open_channels
from workers.alerting.contract import Channels, LogLines
from workers.alerting.senders import PagerDuty, SmtpMailer

__all__ = ["receivers"]  # a fixture


async def test_a_channel_that_fails_is_tried_again_and_in_order(
    world: World, receivers: Receivers
) -> None:
    person = await world.person()
    receivers.pager.replies[:] = [BROKEN]
    await suspect(world, person, "MULTI_ACCOUNT", "HIGH")
    await count(world, utcnow(), requests=10, server_errors=10)
    await world.go_to(utcnow() + CHECK)
    assert len(receivers.lines) == 1  # the chat does not wait for the pager
    await world.go_to(utcnow() + timedelta(hours=1))  # over, but nobody has been told
    assert receivers.actions == [("trigger", "twtc:errors")] * 2
    receivers.pager.replies[:] = [TAKEN]
    await world.go_to(utcnow() + CHECK)
    await world.go_to(utcnow() + CHECK)
    assert receivers.actions[2:] == [("trigger", "twtc:errors"), ("resolve", "twtc:errors")]
    assert len(receivers.lines) == 1


async def test_the_summary_comes_by_mail_at_six(world: World, receivers: Receivers) -> None:
    world.move_to(START + timedelta(hours=5, minutes=50))
    await count(world, utcnow(), requests=10, server_errors=10)
    await world.go_to(utcnow() + CHECK)
    for days in range(4):
        await world.go_to(START + timedelta(days=days, hours=6))
    mails = [message_from_bytes(mail.original_content or b"") for mail in receivers.mails]
    texts = [str(mail.get_payload(decode=True)) for mail in mails]
    line = "CRITICAL  10 of 10 requests were answered with a server error"
    assert f"03-01 05:55 to now  {line}" in texts[0]
    assert line in texts[1]
    assert mails[3]["Subject"] == "TWTC: alerts of the day before 2026-03-04 06:00 UTC: 0"
    assert "Nothing was wrong." in texts[3]
    assert [mail.rcpt_tos for mail in receivers.mails] == [["ops@x.example"]] * 4


async def test_a_summary_that_cannot_leave_is_a_dead_letter(
    world: World, receivers: Receivers, unused_tcp_port_factory: Any
) -> None:
    away = replace(receivers.config, smtp_url=f"smtp://127.0.0.1:{unused_tcp_port_factory()}")
    world.shop = replace(world.shop, channels=open_channels(away))
    for seconds in (0, 1, 6, 21, 81, 300):
        await world.go_to(START + timedelta(hours=6, seconds=seconds))
    assert ("trigger", "twtc:dead-letters") in receivers.actions


def test_channels_are_configured_one_by_one(config: Config) -> None:
    base = {"DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x"}
    assert open_channels(load_config(base)) == Channels()
    mail = {
        "TWTC_SMTP_URL": "smtp://x",
        "TWTC_MAIL_FROM": "t@x.example",
        "TWTC_ALERTS_MAIL_TO": "o@x.example",
    }
    chosen = load_config(base | mail | {"TWTC_PAGERDUTY_KEY": "k"})
    vendor = PagerDuty("https://events.pagerduty.com/v2/enqueue", "k")
    mailer = SmtpMailer("smtp://x", "t@x.example", "o@x.example")
    assert open_channels(chosen) == Channels(vendor, LogLines(), mailer)
    with pytest.raises(ConfigError, match="TWTC_SLACK_URL"):
        load_config(base | {"TWTC_SLACK_URL": "hooks.slack.com"})


async def test_without_channels_alerts_are_lines_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await count(world, utcnow(), requests=10, server_errors=10)
    await world.go_to(utcnow() + CHECK)
    await world.go_to(utcnow() + CHECK)
    lines = [r for r in caplog.records if r.name.startswith("workers.alerting")]
    assert [(r.levelname, r.getMessage()) for r in lines] == [
        ("ERROR", "alert errors, CRITICAL: 10 of 10 requests were answered with a server error")
    ]
