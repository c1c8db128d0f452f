"""Counters of now and of before, read by set statements; and alerts, open until they are over."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from engine.core.timeline import boundary_at_or_before
from engine.operations.alerts import Alert, Counters, Credit, Hour, PayChange, Severity, Suspicions
from models.base.buckets import rows_of_buckets
from models.base.db import (
    Connection,
    Database,
    Row,
    Statement,
    connected,
    rows,
    run,
    sql,
    transaction,
)
from models.base.encoding import encode
from models.intents.errands import count_dead_errands
from models.operations.request_counts import SLOT_SECONDS

DAYS_BEFORE = 7
HOUR = timedelta(hours=1)
ERRORS_OVER = timedelta(minutes=15)
# What nobody has been told of for so long is told no more.
CREDITS_OVER = timedelta(days=7)
SUSPICIONS_OVER = timedelta(days=1)
# An entry bears the instant at which its batch began, and is seen once that has been committed.
SUSPICIONS_SETTLE = timedelta(minutes=1)
KEEP_COUNTS = timedelta(days=DAYS_BEFORE + 1)
KEEP_ALERTS = timedelta(days=90)

# Each of these: how many in the hour that begins at each of :hours. The first hour is now.
_HOURS = "unnest(CAST(:hours AS timestamptz[])) WITH ORDINALITY AS h (since, number)"
# By the small index of these types: what left wallets.
_LEFT = f"""
        SELECT h.number, CAST(sum(t.amount) AS bigint) AS value FROM {_HOURS}
        JOIN transactions t ON t.bucket = :bucket AND t.type {{types}}
         AND t.created_at >= h.since AND t.created_at < h.since + interval '1 hour'
         AND t.from_account = 'wallet:' || t.user_id
        GROUP BY h.number
"""
HOURLY = {
    "registrations": sql(f"""
        SELECT h.number, count(*) AS value FROM {_HOURS}
        JOIN users u ON u.bucket = :bucket
         AND u.created_at >= h.since AND u.created_at < h.since + interval '1 hour'
        GROUP BY h.number
    """),
    "failed_sign_ins": sql(f"""
        SELECT h.number, CAST(sum(c.value) AS bigint) AS value FROM {_HOURS}
        JOIN request_counts c ON c.name = 'failed_sign_ins'
         AND c.slot >= h.since AND c.slot < h.since + interval '1 hour'
        GROUP BY h.number
    """),
    "withdrawn_micro": sql(_LEFT.format(types="IN ('WITHDRAWAL', 'ADJUSTMENT')")),
    "sent_micro": sql(_LEFT.format(types="= 'TRANSFER'")),
}
REQUESTS = sql("""
    SELECT name, CAST(sum(value) AS bigint) AS value FROM request_counts
    WHERE slot >= :since AND name IN ('requests', 'server_errors', 'database_away') GROUP BY name
""")
DEAD_LETTERS = sql(
    "SELECT count(*) AS value FROM intents WHERE bucket = :bucket AND status = 'FAILED'"
)
# What was told last stands in its own alert.
SUSPICIONS = sql("""
    SELECT event_type, count(*) AS value, max(created_at) AS newest_at FROM fraud_logs
    WHERE bucket = :bucket AND severity IN ('HIGH', 'CRITICAL')
      AND created_at > :since AND created_at <= :until
    GROUP BY event_type
""")
LAST_TOLD = sql("SELECT max(opened_at) AS told_at FROM alerts WHERE key = 'fraud'")

# Each is an alert of its own, told once: the same key and instant as before is the same row.
CREDITS = sql("""
    SELECT CAST(id AS text) AS id, amount_micro, applied_at FROM adjustments
    WHERE bucket = :bucket AND status = 'APPLIED' AND direction = 'CREDIT' AND applied_at > :since
""")

PAY_CHANGES = sql("""
    SELECT CAST(id AS text) AS id, kind, subject, decided_at FROM pay_proposals
    WHERE status = 'APPROVED' AND decided_at > :since ORDER BY decided_at, id
""")

OPEN = sql("""
    INSERT INTO alerts (key, severity, text, figures, opened_at, resolved_at, resolved_sent_at)
    SELECT d.key, d.severity, d.text, CAST(d.figures AS jsonb),
           COALESCE(d.happened_at, CAST(:now AS timestamptz)), d.happened_at, d.happened_at
    FROM unnest(CAST(:keys AS text[]), CAST(:severities AS text[]), CAST(:texts AS text[]),
                CAST(:figures AS text[]), CAST(:happened AS timestamptz[]))
         AS d (key, severity, text, figures, happened_at)
    ON CONFLICT DO NOTHING
""")
RESOLVE = sql("""
    UPDATE alerts SET resolved_at = :now
    WHERE resolved_at IS NULL AND key = ANY(CAST(:judged AS text[]))
      AND NOT key = ANY(CAST(:keys AS text[]))
""")
_COLUMNS = "key, severity, text, figures, opened_at, resolved_at, opened_sent_at, resolved_sent_at"
UNSENT = sql(f"""
    SELECT {_COLUMNS} FROM alerts
    WHERE opened_sent_at IS NULL OR (resolved_at IS NOT NULL AND resolved_sent_at IS NULL)
    ORDER BY opened_at, key LIMIT 100 FOR UPDATE SKIP LOCKED
""")
SENT_OPEN = sql("UPDATE alerts SET opened_sent_at = :now WHERE key = :key AND opened_at = :at")
SENT_OVER = sql("UPDATE alerts SET resolved_sent_at = :now WHERE key = :key AND opened_at = :at")
OF_DAY = sql(f"""
    SELECT {_COLUMNS} FROM alerts
    WHERE opened_at >= :since OR resolved_at >= :since OR resolved_at IS NULL
    ORDER BY opened_at, key
""")
PRUNE = {
    "counts": sql("DELETE FROM request_counts WHERE slot < :before"),
    "alerts": sql("DELETE FROM alerts WHERE resolved_at < :before"),
}


class Told(Struct, frozen=True):
    """An alert as it is kept, with what has been told of it."""

    key: str
    severity: Severity
    text: str
    figures: Mapping[str, int]
    opened_at: datetime
    resolved_at: datetime | None
    opened_sent_at: datetime | None
    resolved_sent_at: datetime | None


async def read_counters(database: Database, now: datetime) -> Counters:
    """What the rules look at: whole slots for hours, the slot that runs too for requests."""
    end = boundary_at_or_before(now, SLOT_SECONDS)
    hours = [end - HOUR - timedelta(days=days) for days in range(DAYS_BEFORE + 1)]
    params: dict[str, Any] = {"hours": hours}
    async with connected(database) as connection:
        recent = await rows(connection, REQUESTS, {"since": end - ERRORS_OVER})
        requests = {row.name: row.value for row in recent}
        told_at = (await rows(connection, LAST_TOLD))[0].told_at
        changed = await rows(connection, PAY_CHANGES, {"since": now - CREDITS_OVER})
    hourly: dict[str, Any] = {
        name: await _read_hour(database, statement, params) for name, statement in HOURLY.items()
    }
    return Counters(
        **hourly,
        **requests,
        dead_letters=await count_dead_letters(database),
        suspicions=await _read_suspicions(database, told_at, now),
        credits=await _read_credits(database, now),
        pay_changes=[PayChange(**row) for row in changed],
    )


async def count_dead_letters(database: Database) -> int:
    """Intents and errands that failed too often."""
    intents: int = sum(row.value for row in await rows_of_buckets(database, DEAD_LETTERS, {}))
    return intents + await count_dead_errands(database)


async def _rows_of(
    database: Database, statement: Statement, params: dict[str, Any]
) -> Sequence[Row]:
    if "bucket" in statement.names:
        return await rows_of_buckets(database, statement, params)
    async with connected(database) as connection:
        return await rows(connection, statement, params)


async def _read_hour(database: Database, statement: Statement, params: Any) -> Hour:
    values = Counter[int]()
    for row in await _rows_of(database, statement, params):
        values[row.number] += row.value
    return Hour(values[1], [values[2 + days] for days in range(DAYS_BEFORE)])


async def _read_suspicions(
    database: Database, told_at: datetime | None, now: datetime
) -> Suspicions:
    oldest = now - SUSPICIONS_OVER
    since = max(told_at, oldest) if told_at else oldest
    params = {"since": since, "until": now - SUSPICIONS_SETTLE}
    found = await rows_of_buckets(database, SUSPICIONS, params)
    newest_at = max((row.newest_at for row in found), default=None)
    by_type = Counter[str]()
    for row in found:
        by_type[row.event_type] += row.value
    return Suspicions(by_type, newest_at)


async def _read_credits(database: Database, now: datetime) -> list[Credit]:
    found = await rows_of_buckets(database, CREDITS, {"since": now - CREDITS_OVER})
    return sorted((Credit(**row) for row in found), key=lambda credit: credit.applied_at)


async def keep_alerts(
    database: Database, judged: Collection[str], alerts: Sequence[Alert], now: datetime
) -> None:
    """Open what is new, and end what was judged and is not among `alerts` any more."""
    params = {
        "now": now,
        "judged": list(judged),
        "keys": [alert.key for alert in alerts],
        "severities": [alert.severity for alert in alerts],
        "texts": [alert.text for alert in alerts],
        "figures": [encode(alert.figures) for alert in alerts],
        "happened": [alert.happened_at for alert in alerts],
    }
    async with transaction(database) as connection:
        await run(connection, OPEN, params)
        await run(connection, RESOLVE, params)


async def lock_unsent(connection: Connection) -> list[Told]:
    """Alerts of which something is still to be told, oldest first; others leave them to us."""
    return _told(await rows(connection, UNSENT))


async def mark_sent(connection: Connection, alert: Told, now: datetime, *, is_over: bool) -> None:
    """Remember that it was told that an alert is there, or over."""
    statement = SENT_OVER if is_over else SENT_OPEN
    await run(connection, statement, {"key": alert.key, "at": alert.opened_at, "now": now})


async def alerts_since(database: Database, since: datetime) -> list[Told]:
    """Alerts that were there at any time since an instant."""
    async with connected(database) as connection:
        return _told(await rows(connection, OF_DAY, {"since": since}))


async def prune_alerts(database: Database, now: datetime) -> int:
    """Forget old counts and alerts. Return how many rows."""
    async with connected(database) as connection:
        removed = await run(connection, PRUNE["counts"], {"before": now - KEEP_COUNTS})
        return removed + await run(connection, PRUNE["alerts"], {"before": now - KEEP_ALERTS})


def _told(found: Sequence[Mapping[str, Any]]) -> list[Told]:
    return [
        msgspec.convert({**row, "figures": msgspec.json.decode(row["figures"])}, Told)
        for row in found
    ]
