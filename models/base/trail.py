"""The trail of privileged actions: who did what to whom, written in the action's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from engine.core.role import Role
from engine.core.timeline import BUCKET_COUNT, bucket_of
from models.base.buckets import newest, rows_of_buckets
from models.base.db import Connection, Database, Row, run, sql
from models.base.encoding import encode
from models.base.pages import FIRST_PAGE, Cursor
from runtime.clock import new_id

ADD = sql("""
    INSERT INTO admin_log (bucket, id, actor_id, actor_role, ip_address, action, subject_kind,
                           subject_id, before, after, reason, created_at)
    VALUES (:bucket, :id, :actor_id, :actor_role, :ip, :action, :subject_kind, :subject_id,
            CAST(:before AS jsonb), CAST(:after AS jsonb), :reason, :now)
""")

PAGE = sql("""
    SELECT id, actor_id, actor_role, ip_address, action, subject_kind, subject_id, before, after,
           reason, created_at
    FROM admin_log
    WHERE bucket = :bucket
      AND (created_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
      AND (CAST(:subject_id AS text) IS NULL
           OR subject_kind = 'user' AND subject_id = :subject_id)
      AND (CAST(:actor_id AS bigint) IS NULL OR actor_id = :actor_id)
    ORDER BY created_at DESC, id DESC LIMIT :limit
""")


class Actor(Struct, frozen=True):
    """Who acts. An operator at the command line has no user id."""

    user_id: int | None
    role: Role
    ip: str | None


OPERATOR = Actor(None, Role.SUPERADMIN, None)


class Entry(Struct, frozen=True):
    """What is done, `noun.verb`, to which thing; and what that changes."""

    name: str
    subject_kind: str
    subject_id: str
    before: Mapping[str, Any] = {}
    after: Mapping[str, Any] = {}
    reason: str = ""


async def log_action(connection: Connection, actor: Actor, entry: Entry, now: datetime) -> None:
    """Append to the trail: in the bucket of the user acted on, or else in that of the actor."""
    if entry.subject_kind == "user":
        bucket = bucket_of(int(entry.subject_id))
    else:
        bucket = bucket_of(actor.user_id or 0)
    await log_in_bucket(connection, bucket, actor, entry, now)


async def log_in_bucket(
    connection: Connection, bucket: int, actor: Actor, entry: Entry, now: datetime
) -> None:
    """Append to the trail in the bucket of the transaction under way."""
    params = {
        "bucket": bucket,
        "id": new_id(now),
        "actor_id": actor.user_id,
        "actor_role": actor.role.value,
        "ip": actor.ip,
        "action": entry.name,
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        "before": encode(entry.before),
        "after": encode(entry.after),
        "reason": entry.reason,
        "now": now,
    }
    await run(connection, ADD, params)


async def read_log(
    database: Database,
    before: Cursor | None,
    limit: int,
    subject_user_id: int | None = None,
    actor_id: int | None = None,
) -> Sequence[Row]:
    """A page of the trail, newest first: all of it, of one user acted on, or of one actor."""
    before = before or FIRST_PAGE
    buckets = range(BUCKET_COUNT) if subject_user_id is None else [bucket_of(subject_user_id)]
    params = {
        "before_at": before.at,
        "before_id": before.id,
        "subject_id": None if subject_user_id is None else str(subject_user_id),
        "actor_id": actor_id,
        "limit": limit,
    }
    return newest(await rows_of_buckets(database, PAGE, params, buckets), limit)
