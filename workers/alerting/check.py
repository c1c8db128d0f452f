"""Looking whether anything is wrong, and telling it: at least once, and soon (decision 0032)."""

import logging
from datetime import datetime, timedelta

from engine.operations.actions import AlertsChecked
from engine.operations.alerts import JUDGED, Severity, blind, judge
from models.base.db import DATABASE_ERRORS, Connection, Database, transaction
from models.operations.alerts import (
    Told,
    alerts_since,
    keep_alerts,
    lock_unsent,
    mark_sent,
    read_counters,
)
from workers.alerting.contract import Channel, Channels, Notice, NotToldError

log = logging.getLogger(__name__)

SUMMARY_OF = timedelta(days=1)


async def check_alerts(database: Database, channels: Channels, now: datetime) -> AlertsChecked:
    """Open and end alerts by the counters, then tell what is untold. Return how many of each."""
    try:
        judged, found = list(JUDGED), judge(await read_counters(database, now))
    except DATABASE_ERRORS as error:
        found = [blind(type(error).__name__)]
        judged = [alert.key for alert in found]
    await keep_alerts(database, judged, found, now)
    async with transaction(database) as connection:
        told = await _tell(connection, channels, now)
    return AlertsChecked([alert.key for alert in found], told)


async def _tell(connection: Connection, channels: Channels, now: datetime) -> int:
    """Tell what is untold, in order: what could not be told holds back what follows it."""
    told, held_back = 0, set[str]()
    for alert in await lock_unsent(connection):
        if alert.key in held_back:
            continue
        channel = channels.critical if alert.severity == Severity.CRITICAL else channels.warning
        try:
            told += await _tell_one(connection, channel, alert, now)
        except NotToldError as error:
            log.error("alert %s was not told: %s", alert.key, error)
            held_back.add(alert.key)
    return told


async def _tell_one(connection: Connection, channel: Channel, alert: Told, now: datetime) -> int:
    told = 0
    if alert.opened_sent_at is None:
        await channel.tell(_notice(alert, is_over=False))
        await mark_sent(connection, alert, now, is_over=False)
        told += 1
    if alert.resolved_at is not None and alert.resolved_sent_at is None:
        await channel.tell(_notice(alert, is_over=True))
        await mark_sent(connection, alert, now, is_over=True)
        told += 1
    return told


def _notice(alert: Told, *, is_over: bool) -> Notice:
    return Notice(
        alert.key, alert.severity, alert.text, alert.figures, alert.opened_at, is_over=is_over
    )


async def send_summary(database: Database, channels: Channels, now: datetime) -> int:
    """Mail what was wrong within a day. Return how many alerts. Raise NotToldError."""
    alerts = await alerts_since(database, now - SUMMARY_OF)
    lines = [_line(alert) for alert in alerts] or ["Nothing was wrong."]
    subject = f"TWTC: alerts of the day before {now:%Y-%m-%d %H:%M} UTC: {len(alerts)}"
    await channels.summary.send(subject, "\n".join(lines))
    return len(alerts)


def _line(alert: Told) -> str:
    over = f"{alert.resolved_at:%m-%d %H:%M}" if alert.resolved_at else "now"
    return f"{alert.opened_at:%m-%d %H:%M} to {over}  {alert.severity}  {alert.text}"
