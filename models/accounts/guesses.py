"""Guesses at what guards accounts: counted in one statement, before they are compared.

A count is known by a digest of what it counts and for whom. Its window begins with the first guess
and ends as a whole (decision 0045).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from engine.core.decision import LogEntry, Note
from engine.core.evidence import Evidence
from engine.core.limit import Limit
from engine.core.timeline import bucket_of
from models.base.db import Database, connected, rows, run, sql, transaction
from models.base.logs import store_logs
from models.base.pruning import prune_rows
from models.inbox.notes import store_notes

# Longer than any window is.
KEPT = timedelta(days=2)

COUNT_GUESS = sql("""
    INSERT INTO guesses (key, made, since) VALUES (:key, 1, :now)
    ON CONFLICT (key) DO UPDATE
    SET made = CASE WHEN guesses.since <= :ended THEN 1 ELSE guesses.made + 1 END,
        since = CASE WHEN guesses.since <= :ended THEN excluded.since ELSE guesses.since END
    WHERE guesses.since <= :ended OR guesses.made < :quota
    RETURNING made, since
""")

# How far counts have come, without counting.
MADE = sql("""
    SELECT key, made FROM guesses WHERE key = ANY(CAST(:keys AS bytea[])) AND since > :ended
""")

BEGUN = sql("SELECT since FROM guesses WHERE key = :key")

GIVE_BACK = sql("""
    UPDATE guesses SET made = made - 1 WHERE key = :key AND since = :since AND made > 0
""")

FORGET_GUESSES = sql("DELETE FROM guesses WHERE key = :key")

PRUNE_GUESSES = sql("""
    DELETE FROM guesses WHERE since < :before AND key = ANY(ARRAY(
        SELECT key FROM guesses WHERE since < :before ORDER BY since LIMIT :limit))
""")


class Made(Struct, frozen=True):
    """A guess that was counted: which of its window it was."""

    key: bytes
    number: int
    since: datetime


class Refused(Struct, frozen=True):
    """A guess too many, which is not judged; the next one may be made in so many seconds."""

    seconds: int


async def count_guess(
    database: Database, key: bytes, limit: Limit, now: datetime
) -> Made | Refused:
    """Count a guess, or say that its window is used up. However many come at once."""
    window = timedelta(seconds=limit.window_seconds)
    params = {"key": key, "now": now, "ended": now - window, "quota": limit.quota}
    async with connected(database) as connection:
        counted = await rows(connection, COUNT_GUESS, params)
        if counted:
            return Made(key, counted[0].made, counted[0].since)
        begun = await rows(connection, BEGUN, {"key": key})
    left = begun[0].since + window - now if begun else timedelta(0)
    return Refused(max(1, -(-left // timedelta(seconds=1))))


async def counts_of(
    database: Database, keys: Sequence[bytes], window: timedelta, now: datetime
) -> list[int]:
    """What was counted by each of these keys in its window, which is as long for all."""
    async with connected(database) as connection:
        found = await rows(connection, MADE, {"keys": list(keys), "ended": now - window})
    made = {row.key: row.made for row in found}
    return [made.get(key, 0) for key in keys]


async def give_back(database: Database, made: Made) -> None:
    """It was right: it counts for nothing, and what was guessed before still does."""
    async with connected(database) as connection:
        await run(connection, GIVE_BACK, {"key": made.key, "since": made.since})


async def forget_guesses(database: Database, *keys: bytes) -> None:
    """Count anew: whoever is right here was wrong here before."""
    async with connected(database) as connection:
        for key in keys:
            await run(connection, FORGET_GUESSES, {"key": key})


async def prune_guesses(database: Database, now: datetime) -> int:
    """Forget windows that are long over."""
    return await prune_rows(database, PRUNE_GUESSES, now - KEPT)


async def raise_suspicion(
    database: Database, user_id: int, what: str, id_: UUID, ip: str | None, now: datetime
) -> None:
    """Tell the operators and the account's owner that somebody guesses at it.

    It raises no level: the account is the victim.
    """
    entry = LogEntry(user_id, "GUESSING", "account", id_, {"at": what}, "HIGH")
    async with transaction(database) as connection:
        bucket = bucket_of(user_id)
        await store_logs(connection, bucket, [(entry, Evidence(ip), now)])
        await store_notes(connection, bucket, [Note(user_id, "account.guessed", {}, now)])
