"""Sizes of the groups, and moving members between them (blueprint, "Groups")."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from engine.core.timeline import BUCKET_COUNT, GROUP_COUNT, Timetable, daily_schedule, next_opening
from engine.mining.groups import Move, plan_moves
from models.base.arrays import AT_BUCKET, ROUTED
from models.base.db import Connection, Database, rows, run, sql, transaction
from models.base.encoding import encode
from models.base.nodes import survey, survey_rows
from models.inbox.notes import NOTED, telling_sql
from models.intents.bucket import lock_bucket
from models.mining.snapshots import SnapshotCopies
from runtime.clock import new_id

# Kept per bucket, so that registrations do not queue for ten rows.
SIZES = survey(
    """
    SELECT group_number, CAST(sum(member_count) AS bigint) AS size
    FROM group_sizes g WHERE {bucket of g} GROUP BY group_number
    """
)

ADD_MEMBERS = sql("""
    UPDATE group_sizes SET member_count = member_count + :change
    WHERE bucket = :bucket AND group_number = :group_number
""")

# Nobody who mines, waits for a proof, or has asked for something that is not yet applied.
IDLE_MEMBERS = sql("""
    SELECT u.id FROM users u
    WHERE u.bucket = :bucket AND u.group_number = :from_group
      AND NOT EXISTS (SELECT FROM mining_sessions s
                      WHERE s.bucket = :bucket AND s.user_id = u.id
                        AND s.status IN ('PENDING', 'ACTIVE'))
      AND NOT EXISTS (SELECT FROM intents i
                      WHERE i.bucket = :bucket AND i.user_id = u.id AND i.status = 'RECORDED')
    ORDER BY u.id LIMIT :limit FOR NO KEY UPDATE OF u
""")

# Again, once they are locked: what was recorded while the first statement waited counts.
STILL_IDLE = sql("""
    SELECT u.id FROM users u
    WHERE u.bucket = :bucket AND u.id = ANY(CAST(:users AS bigint[]))
      AND NOT EXISTS (SELECT FROM mining_sessions s
                      WHERE s.bucket = :bucket AND s.user_id = u.id
                        AND s.status IN ('PENDING', 'ACTIVE'))
      AND NOT EXISTS (SELECT FROM intents i
                      WHERE i.bucket = :bucket AND i.user_id = u.id AND i.status = 'RECORDED')
    ORDER BY u.id
""")

REGROUP = sql("""
    UPDATE users SET group_number = :to_group, version = version + 1
    WHERE bucket = :bucket AND id = ANY(CAST(:users AS bigint[]))
    RETURNING id, version
""")

NOTE_MOVES = sql(f"""
    WITH note AS (
        INSERT INTO notifications (bucket, id, user_id, kind, params, created_at)
        SELECT m.bucket, d.id, d.user_id, 'group.moved', CAST(:params AS jsonb),
               CAST(:now AS timestamptz)
        FROM {ROUTED} unnest(CAST(:ids AS uuid[]), CAST(:users AS bigint[])) AS d (id, user_id)
        WHERE {AT_BUCKET}
        {NOTED}
    )
    {telling_sql("note")}
""")


async def group_sizes(database: Database) -> list[int]:
    """Members of each group; index 0 is group 1."""
    found: Counter[int] = Counter()
    for row in await survey_rows(database, SIZES, {}):
        found[row.group_number] += int(row.size)
    return [found[group] for group in range(1, GROUP_COUNT + 1)]


async def rebalance(
    database: Database, copies: SnapshotCopies, table: Timetable, now: datetime
) -> int:
    """Even out the groups with the fewest moves. Return how many members were moved.

    One transaction per bucket; if it is cut short, running it again goes on from where it is.
    """
    moved = 0
    for move in plan_moves(await group_sizes(database)):
        left = move.member_count
        for bucket in range(BUCKET_COUNT):
            if not left:
                break
            async with transaction(database) as connection:
                moves = await _move_within(connection, bucket, move, left, table, now)
                await copies.mark_changing(moves)
            users = [user_id for user_id, _ in moves]
            await copies.refresh(database, bucket, users)
            left -= len(users)
            moved += len(users)
    return moved


async def _move_within(
    connection: Connection,
    bucket: int,
    move: Move,
    limit: int,
    table: Timetable,
    now: datetime,
) -> Sequence[tuple[int, int]]:
    """Move up to `limit` idle members of one bucket, and tell them their new hours.

    Return (user id, new version).
    """
    # While the bucket is held, no intent of its members is being applied.
    await lock_bucket(connection, bucket)
    params: dict[str, Any] = {"bucket": bucket, "from_group": move.from_group, "limit": limit}
    users = [row.id for row in await rows(connection, IDLE_MEMBERS, params)]
    params = {"bucket": bucket, "users": users}
    users = [row.id for row in await rows(connection, STILL_IDLE, params)]
    if not users:
        return []
    params = {"bucket": bucket, "users": users, "to_group": move.to_group}
    moved = [(row.id, row.version) for row in await rows(connection, REGROUP, params)]
    changes = sorted([(move.from_group, -len(users)), (move.to_group, len(users))])
    for group_number, change in changes:
        params = {"bucket": bucket, "group_number": group_number, "change": change}
        await run(connection, ADD_MEMBERS, params)
    note = {
        "from_group": move.from_group,
        "to_group": move.to_group,
        "opens_at": next_opening(table, move.to_group, now),
        "mining_schedule": daily_schedule(table, move.to_group),
    }
    params = {
        "bucket": bucket,
        "ids": [new_id(now) for _ in users],
        "users": users,
        "params": encode(note),
        "now": now,
    }
    await run(connection, NOTE_MOVES, params)
    return moved
