"""The one way into the activity log and the fraud log (decision 0016)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.core.decision import LogEntry
from engine.core.evidence import Evidence
from models.base import arrays
from models.base.db import Connection
from models.base.encoding import encode
from models.base.log_tables import activity_logs, fraud_logs
from runtime.clock import new_id

_ACTIVITY_TYPES = arrays.types_of(
    activity_logs,
    [
        "id",
        "user_id",
        "action",
        "resource_type",
        "resource_id",
        "metadata",
        "user_agent",
        "ip_address",
        "created_at",
    ],
)
_FRAUD_TYPES = arrays.types_of(
    fraud_logs,
    [
        "id",
        "user_id",
        "event_type",
        "severity",
        "details",
        "ip_address",
        "device_fingerprint",
        "created_at",
    ],
)

STORE_ACTIVITY = arrays.insert("activity_logs", _ACTIVITY_TYPES)
STORE_FRAUD = arrays.insert("fraud_logs", _FRAUD_TYPES)


Logged = tuple[LogEntry, Evidence, datetime]


async def store_logs(connection: Connection, bucket: int, entries: Sequence[Logged]) -> None:
    """Append to the activity log, and what has a severity to the fraud log as well."""
    activity = [_activity_row(*each) for each in entries]
    await arrays.store(connection, STORE_ACTIVITY, bucket, activity, _ACTIVITY_TYPES)
    fraud = [_fraud_row(*each) for each in entries if each[0].severity]
    await arrays.store(connection, STORE_FRAUD, bucket, fraud, _FRAUD_TYPES)


def _activity_row(entry: LogEntry, evidence: Evidence, at: datetime) -> dict[str, Any]:
    return {
        "id": new_id(at),
        "user_id": entry.user_id,
        "action": entry.event,
        "resource_type": entry.resource_type,
        "resource_id": entry.resource_id,
        "metadata": encode(entry.details),
        "user_agent": evidence.user_agent,
        "ip_address": evidence.ip,
        "created_at": at,
    }


def _fraud_row(entry: LogEntry, evidence: Evidence, at: datetime) -> dict[str, Any]:
    return {
        "id": new_id(at),
        "user_id": entry.user_id,
        "event_type": entry.event,
        "severity": entry.severity,
        "details": encode(entry.details),
        "ip_address": evidence.ip,
        "device_fingerprint": evidence.device,
        "created_at": at,
    }
