"""Acts of a day read, measures and scores kept, bucket by bucket (decision 0031)."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from engine.core.action import kind_of
from engine.core.timeline import Timetable, current_window, micros
from engine.domains import ACTIONS
from engine.fraud.actions import FlagUser
from engine.fraud.anomaly import acts
from engine.fraud.anomaly.acts import Act, Day, Result, measure
from engine.fraud.anomaly.bands import FLAGS
from engine.fraud.anomaly.features import DAYS_MAX
from engine.fraud.anomaly.model import Model, Verdict, read_model, write_model
from models.base.arrays import AT_BUCKET, ROUTED
from models.base.db import Database, Row, connected, rows, run, sql, transaction
from models.base.encoding import encode
from models.fraud.flags import find_cleared, record_flags

SCORES_KEPT = timedelta(days=90)
PEOPLE_MAX = 200  # of a bucket that a model learns from

# Ids begin with their instant: the day is a range of the primary key.
ACTS = sql("""
    SELECT i.user_id, i.kind, i.recorded_at, i.group_number, i.status,
           i.outcome -> 'result' ->> 'is_correct' AS is_correct,
           CAST(i.payload ->> 'number' AS smallint) AS number,
           i.evidence ->> 'device' AS device, i.evidence ->> 'ip' AS ip, u.tracking_opt_out,
           v.started_at AS view_started_at, v.min_seconds, b.asked_at, b.status AS boost_status,
           t.started_at AS task_started_at, t.status AS task_status
    FROM intents i
    JOIN users u ON u.bucket = :bucket AND u.id = i.user_id
    LEFT JOIN ad_views v
      ON v.bucket = :bucket AND v.id = CAST(i.payload ->> 'view_id' AS uuid)
    LEFT JOIN boosts b
      ON b.bucket = :bucket AND b.id = COALESCE(CAST(i.payload ->> 'boost_id' AS uuid), i.id)
    LEFT JOIN daily_tasks t
      ON t.bucket = :bucket AND t.day = :day AND t.user_id = i.user_id
     AND t.number = CAST(i.payload ->> 'number' AS smallint)
    WHERE i.bucket = :bucket AND i.id >= CAST(:first_id AS uuid) AND i.id < CAST(:last_id AS uuid)
      AND i.kind = ANY(CAST(:kinds AS text[])) AND i.status IN ('APPLIED', 'REJECTED')
    ORDER BY i.id
""")
STORE_DAYS = sql(f"""
    INSERT INTO account_days (bucket, day, user_id, measures)
    SELECT m.bucket, CAST(:day AS date), d.user_id, CAST(d.measures AS jsonb)
    FROM {ROUTED}
         unnest(CAST(:users AS bigint[]), CAST(:measures AS text[])) AS d (user_id, measures)
    WHERE {AT_BUCKET}
    ON CONFLICT (bucket, user_id, day) DO UPDATE SET measures = excluded.measures
""")
DROP_DAYS = sql("DELETE FROM account_days WHERE bucket = :bucket AND day < :before")
DROP_SCORES = sql("DELETE FROM anomaly_scores WHERE bucket = :bucket AND day < :before")
# Everybody who did something on the day, with the days before it.
WEEKS = sql("""
    SELECT w.user_id, w.measures, u.created_at, u.referred_by FROM account_days d
    JOIN users u ON u.bucket = :bucket AND u.id = d.user_id
    JOIN account_days w ON w.bucket = :bucket AND w.user_id = d.user_id
                       AND w.day > :after AND w.day <= :day
    WHERE d.bucket = :bucket AND d.day = :day
    ORDER BY w.user_id, w.day
""")
STORE_SCORES = sql(f"""
    INSERT INTO anomaly_scores (bucket, day, user_id, score, band, reasons, model_version)
    SELECT m.bucket, CAST(:day AS date), d.user_id, d.score, d.band, CAST(d.reasons AS jsonb),
           :version
    FROM {ROUTED}
         unnest(CAST(:users AS bigint[]), CAST(:scores AS smallint[]), CAST(:bands AS text[]),
                CAST(:reasons AS text[])) AS d (user_id, score, band, reasons)
    WHERE {AT_BUCKET}
    ON CONFLICT (bucket, user_id, day) DO UPDATE
    SET score = excluded.score, band = excluded.band, reasons = excluded.reasons,
        model_version = excluded.model_version
""")
# Whom nobody suspects, and who has been scored before.
PEOPLE = sql("""
    SELECT d.user_id FROM account_days d
    LEFT JOIN fraud_trails f ON f.bucket = :bucket AND f.user_id = d.user_id
    WHERE d.bucket = :bucket AND d.day = :day AND COALESCE(f.level, 0) = 0
    ORDER BY d.user_id LIMIT :limit
""")
LATEST_MODEL = sql("""
    SELECT version, artefact, trained_at FROM anomaly_models ORDER BY version DESC LIMIT 1
""")
STORE_MODEL = sql("""
    INSERT INTO anomaly_models (version, artefact, people, trained_at)
    SELECT COALESCE(max(version), 0) + 1, CAST(:artefact AS jsonb), :people,
           CAST(:now AS timestamptz) FROM anomaly_models
""")
_KINDS = [kind_of(action) for action in ACTIONS if action.is_act]
_days = msgspec.json.Decoder(Day)


class Week(Struct, frozen=True):
    """The last days of an account on which it did anything, the oldest first, and whose it is."""

    days: list[Day]
    registered_at: datetime
    referrer: int | None


class Trained(Struct, frozen=True):
    """A model as it is stored."""

    version: int
    model: Model


async def measure_bucket(database: Database, table: Timetable, bucket: int, day: date) -> int:
    """Measure what the users of a bucket did on a UTC day. Return how many did anything."""
    since = datetime.combine(day, time(), tzinfo=UTC)
    params: dict[str, Any] = {
        "bucket": bucket,
        "day": day,
        "first_id": _first_id(since),
        "last_id": _first_id(since + timedelta(days=1)),
        "kinds": _KINDS,
    }
    async with connected(database) as connection:
        found = await rows(connection, ACTS, params)
    done: dict[int, list[Act]] = defaultdict(list)
    untracked = {row.user_id for row in found if row.tracking_opt_out}
    for row in found:
        done[row.user_id].append(_act(row, table, since))
    measures = [
        encode(measure(each, is_tracked=user_id not in untracked)) for user_id, each in done.items()
    ]
    before = {"bucket": bucket, "before": day - timedelta(days=DAYS_MAX - 1)}
    async with transaction(database) as connection:
        await run(connection, STORE_DAYS, params | {"users": list(done), "measures": measures})
        await run(connection, DROP_DAYS, before)
    return len(done)


async def read_weeks(database: Database, bucket: int, day: date) -> dict[int, Week]:
    """The last seven days of everybody who did something on the day."""
    params = {"bucket": bucket, "day": day, "after": day - timedelta(days=DAYS_MAX)}
    weeks: dict[int, Week] = {}
    async with connected(database) as connection:
        for row in await rows(connection, WEEKS, params):
            week = weeks.get(row.user_id)
            if week is None:
                week = weeks[row.user_id] = Week([], row.created_at, row.referred_by)
            week.days.append(_days.decode(row.measures))
    return weeks


async def find_people(database: Database, bucket: int, day: date) -> set[int]:
    """Some of those whom nobody suspects."""
    params = {"bucket": bucket, "day": day, "limit": PEOPLE_MAX}
    async with connected(database) as connection:
        return {row.user_id for row in await rows(connection, PEOPLE, params)}


async def store_verdicts(
    database: Database,
    bucket: int,
    day: date,
    verdicts: Mapping[int, Verdict],
    version: int,
    now: datetime,
) -> int:
    """Keep scores, and record flags for who stands in a band that has one. Return how many."""
    flagged = {u: v for u, v in verdicts.items() if v.band in FLAGS}
    params: dict[str, Any] = {
        "bucket": bucket,
        "day": day,
        "version": version,
        "users": list(verdicts),
        "scores": [verdict.score for verdict in verdicts.values()],
        "bands": [verdict.band for verdict in verdicts.values()],
        "reasons": [encode(verdict.reasons) for verdict in verdicts.values()],
    }
    async with transaction(database) as connection:
        await run(connection, STORE_SCORES, params)
        await run(connection, DROP_SCORES, {"bucket": bucket, "before": day - SCORES_KEPT})
        for user_id in await find_cleared(connection, bucket, flagged, now):
            del flagged[user_id]
        flags = {user_id: _flag(day, verdict) for user_id, verdict in flagged.items()}
        await record_flags(connection, bucket, day, flags, now)
    return len(flagged)


def _flag(day: date, verdict: Verdict) -> FlagUser:
    severity, hold, level = FLAGS[verdict.band]
    facts = {"score": verdict.score, "day": day, "reasons": verdict.reasons[:5]}
    return FlagUser("SUSPICIOUS_BEHAVIOR", severity, facts, hold, level)


async def latest_model(database: Database) -> Trained | None:
    """The model in use, or None before the first. Raise ModelError for a spoiled one."""
    async with connected(database) as connection:
        found = await rows(connection, LATEST_MODEL)
    return Trained(found[0].version, read_model(found[0].artefact.encode())) if found else None


async def store_model(database: Database, model: Model, people: int, now: datetime) -> None:
    """Keep a model as the next version."""
    async with transaction(database) as connection:
        params = {"artefact": write_model(model).decode(), "people": people, "now": now}
        await run(connection, STORE_MODEL, params)


def _first_id(at: datetime) -> UUID:
    return UUID(int=(micros(at) // 1000) << 80)


def _act(row: Row, table: Timetable, since: datetime) -> Act:
    return Act(
        kind=row.kind,
        at=(row.recorded_at - since).total_seconds(),
        result=_result(row),
        latency=_latency(row, table),
        number=row.number,
        device=row.device,
        ip=_short(row.ip) if row.ip else None,
        network=_network(row.ip) if row.ip else None,
    )


def _result(row: Row) -> Result:
    if row.status == "REJECTED":
        return "REFUSED"
    match row.kind:
        case acts.BOOST:
            return "DONE" if row.boost_status in ("PAID", "WRONG") else "LEFT"
        case acts.TASK:
            return "DONE" if row.task_status in ("CLAIMED", "REVIEW") else "LEFT"
        case acts.BOOST_ANSWER | acts.TASK_ANSWER:
            return "WRONG" if row.is_correct == "false" else "DONE"
        case acts.AD_FAILED:
            return "FAILED"
        case _:
            return "DONE"


def _latency(row: Row, table: Timetable) -> float | None:
    """Seconds, as Act says."""
    begun: datetime | None = None
    least = 0
    match row.kind:
        case acts.MINE:
            window = current_window(table, row.group_number, row.recorded_at)
            begun = window.opens_at if window else None
        case acts.AD_DONE:
            begun, least = row.view_started_at, row.min_seconds or 0
        case acts.BOOST_ANSWER:
            begun = row.asked_at
        case acts.TASK_READ:
            begun, least = row.task_started_at, 20
        case acts.TASK_ANSWER:
            begun = row.task_started_at
    if begun is None:
        return None
    seconds: float = (row.recorded_at - begun).total_seconds()
    return max(0.0, seconds - least)


def _network(ip: str) -> str | None:
    """What an address belongs to: what one customer has of IPv4's neighbours, or of IPv6."""
    try:
        length = 24 if ip_address(ip).version == 4 else 48
    except ValueError:
        return None
    return _short(str(ip_network((ip, length), strict=False)))


def _short(value: str) -> str:
    return sha256(value.encode()).hexdigest()[:12]
