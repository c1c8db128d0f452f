"""Members' snapshots: read from PostgreSQL, copied to Redis (decision 0014).

The copy is a hint. It is written after the commit, only if it is newer; before the commit it is
marked as changing, so that a worker's death between the two leaves no stale copy behind.
"""

import logging
import time
from collections.abc import Collection, Iterable
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from engine.ads.state import AdView, Proof, Purpose, ViewStatus
from engine.core.timeline import bucket_of
from engine.fraud.levels import Hold
from engine.mining.state import Session, SessionStatus
from engine.status import Snapshot
from models.base.db import Connection, Database, Row, connected, rows, sql

log = logging.getLogger(__name__)

COPY_SECONDS_MAX = 900
CHANGING_SECONDS_MAX = 10
REST_SECONDS = 5
_VERSION_DIGITS = 20

_decoder = msgspec.json.Decoder(Snapshot)
_encoder = msgspec.json.Encoder()

# One statement, so that versions, balances and sessions belong together.
SNAPSHOTS = sql("""
    SELECT u.id AS user_id, u.version, u.group_number AS home_group, u.is_active,
           u.verified_at IS NOT NULL AS is_verified, u.hold, u.hold_until,
           w.settled_balance, s.id AS session_id, s.group_number, s.status, s.reward_micro,
           s.requested_at, s.window_opens_at, s.expires_at, s.view_id, s.started_at, s.ends_at,
           v.id AS shown_view_id, v.purpose, v.ad_id, v.network, v.unit, v.min_seconds, v.proof,
           v.revenue_micro_usd,
           v.try_number, v.status AS view_status, v.served_at, v.started_at AS view_started_at,
           v.completed_at, v.confirmed_at, v.event_id,
           (SELECT CAST(sum(b.reward_micro) AS bigint) FROM boosts b
            WHERE b.bucket = :bucket AND b.session_id = s.id AND b.status = 'PAID') AS boosted
    FROM users u
    JOIN wallets w ON w.bucket = u.bucket AND w.user_id = u.id
    LEFT JOIN mining_sessions s ON s.bucket = u.bucket AND s.user_id = u.id
                               AND s.status IN ('PENDING', 'ACTIVE')
    LEFT JOIN ad_views v ON v.bucket = s.bucket AND v.id = s.view_id AND s.status = 'PENDING'
    WHERE u.bucket = :bucket AND u.id = ANY(CAST(:users AS bigint[]))
    ORDER BY u.id, s.id
""")

# KEYS: copies. ARGV: lifetime, then for each key its value: twenty digits of version, then JSON.
_STORE_NEWER = """
for i, key in ipairs(KEYS) do
    local old = redis.call('GET', key)
    if not old or string.sub(old, 1, 20) <= string.sub(ARGV[i + 1], 1, 20) then
        redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1])
    end
end
"""
# In place of the JSON while a commit is under way. Its version keeps older copies out.
_CHANGING = b"~"


async def load_snapshots(
    connection: Connection, bucket: int, user_ids: Collection[int]
) -> list[Snapshot]:
    """Snapshots of users of one bucket, in one statement."""
    params = {"bucket": bucket, "users": sorted(user_ids)}
    snapshots: dict[int, Snapshot] = {}
    for row in await rows(connection, SNAPSHOTS, params):
        before = snapshots.get(row.user_id)
        session = () if row.session_id is None else (_session(row),)
        view = () if row.shown_view_id is None else (_view(row),)
        boosted = {row.session_id: row.boosted} if row.boosted else {}
        snapshots[row.user_id] = Snapshot(
            user_id=row.user_id,
            version=row.version,
            group_number=row.home_group,
            is_active=row.is_active,
            settled_micro=row.settled_balance,
            sessions=(before.sessions if before else ()) + session,
            views=(before.views if before else ()) + view,
            boosted_micro=(before.boosted_micro if before else {}) | boosted,
            is_verified=row.is_verified,
            hold=Hold(row.hold) if row.hold else None,
            hold_until=row.hold_until,
        )
    return list(snapshots.values())


async def load_snapshot(database: Database, user_id: int) -> Snapshot | None:
    """One user's snapshot from PostgreSQL, or None if there is no such user."""
    async with connected(database) as connection:
        found = await load_snapshots(connection, bucket_of(user_id), [user_id])
    return found[0] if found else None


class SnapshotCopies:
    """The copies in Redis, of one installation. Every method survives Redis being away.

    Keys are `prefix` and a user id.
    """

    def __init__(self, redis: Redis, installation_id: UUID) -> None:
        self._redis = redis
        self.prefix = f"twtc:{installation_id}:status:"
        self._store_newer = redis.register_script(_STORE_NEWER)
        self._rests_until = 0.0

    async def read(self, user_id: int) -> Snapshot | None:
        """A user's copy, or None if it is missing, changing, or Redis is away."""
        try:
            value = await self._redis.get(self._key(user_id))
        except (RedisError, OSError) as error:
            log.warning("status copies cannot be read: %s", type(error).__name__)
            return None
        if not isinstance(value, bytes) or value[_VERSION_DIGITS:] == _CHANGING:
            return None
        try:
            return _decoder.decode(value[_VERSION_DIGITS:])
        except msgspec.MsgspecError:  # written by another release
            return None

    async def mark_changing(self, versions: Iterable[tuple[int, int]]) -> None:
        """Before a commit that makes (user id, version): send readers to PostgreSQL meanwhile."""
        marks = {user_id: _stamp(version) + _CHANGING for user_id, version in versions}
        await self._store(marks, CHANGING_SECONDS_MAX)

    async def write(self, snapshots: Iterable[Snapshot]) -> None:
        """Store what was read after the commit, unless a newer copy is there."""
        copies = {s.user_id: _stamp(s.version) + _encoder.encode(s) for s in snapshots}
        await self._store(copies, COPY_SECONDS_MAX)

    async def refresh(self, database: Database, bucket: int, user_ids: Collection[int]) -> None:
        """After a commit: copy what these users' snapshots have become."""
        if user_ids:
            async with connected(database) as connection:
                snapshots = await load_snapshots(connection, bucket, user_ids)
            await self.write(snapshots)

    async def _store(self, values: dict[int, bytes], seconds: int) -> None:
        if not values or time.monotonic() < self._rests_until:
            return
        keys = [self._key(user_id) for user_id in values]
        try:
            await self._store_newer(keys=keys, args=[seconds, *values.values()])
        except (RedisError, OSError) as error:
            # A Redis that hangs must not hold up one batch after the other.
            self._rests_until = time.monotonic() + REST_SECONDS
            log.warning("status copies cannot be written: %s", type(error).__name__)

    def _key(self, user_id: int) -> str:
        return f"{self.prefix}{user_id}"


def _stamp(version: int) -> bytes:
    return b"%0*d" % (_VERSION_DIGITS, version)


def _session(row: Row) -> Session:
    return Session(
        id=row.session_id,
        user_id=row.user_id,
        group_number=row.group_number,
        status=SessionStatus(row.status),
        reward_micro=row.reward_micro,
        requested_at=row.requested_at,
        window_opens_at=row.window_opens_at,
        expires_at=row.expires_at,
        view_id=row.view_id,
        started_at=row.started_at,
        ends_at=row.ends_at,
    )


def _view(row: Row) -> AdView:
    return AdView(
        id=row.shown_view_id,
        user_id=row.user_id,
        purpose=Purpose(row.purpose),
        session_id=row.session_id,
        task_day=None,
        task_number=None,
        ad_id=row.ad_id,
        network=row.network,
        unit=row.unit,
        min_seconds=row.min_seconds,
        proof=Proof(row.proof),
        revenue_micro_usd=row.revenue_micro_usd,
        try_number=row.try_number,
        status=ViewStatus(row.view_status),
        served_at=row.served_at,
        started_at=row.view_started_at,
        completed_at=row.completed_at,
        confirmed_at=row.confirmed_at,
        event_id=row.event_id,
    )
