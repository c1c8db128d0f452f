"""Sealing what lies in the clear or under a former key, piece by piece (decision 0026).

Safe to run while everything else runs, and to run again: a row that changed meanwhile is left
alone, and found by the next run.
"""

from datetime import datetime

from engine.core.timeline import BUCKET_COUNT
from models.base.columns import all_tables, sealed_columns
from models.base.db import Database, connected, rows, run, sql, transaction
from models.base.encoding import encode
from runtime.pii import Keyring, field_of

ROWS_MAX = 1_000
_SETTING = "pii_key"

SEALED_UNDER = sql("SELECT value #>> '{}' AS key_id FROM settings WHERE name = :name")

NOTE_KEY = sql("""
    INSERT INTO settings (name, value, updated_at) VALUES (:name, CAST(:value AS jsonb), :now)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
""")

CLEAR_IDENTITIES = sql("""
    SELECT kind, value, user_id FROM identities
    WHERE value LIKE '%@%' OR value LIKE '+%' LIMIT :limit
""")

# Insert and delete, not update: the value says where a row lies.
INDEX_IDENTITIES = sql("""
    INSERT INTO identities (kind, value, user_id, created_at)
    SELECT d.kind, d.index, i.user_id, i.created_at
    FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[]), CAST(:indexes AS text[]))
         AS d (kind, value, index)
    JOIN identities i ON i.kind = d.kind AND i.value = d.value
    ON CONFLICT (kind, value) DO NOTHING
""")

DELETE_IDENTITIES = sql("""
    DELETE FROM identities i
    USING unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) AS d (kind, value)
    WHERE i.kind = d.kind AND i.value = d.value
""")


async def seal_all(database: Database, keyring: Keyring, now: datetime, *, again: bool) -> int:
    """Seal everything personal under the current key. Return how many texts were changed.

    Unless `again`, nothing is read if that has been done under this key.
    """
    if not keyring.secrets:
        return 0
    note = {"name": _SETTING, "value": encode(keyring.current_id), "now": now}
    async with connected(database) as connection:
        known = await rows(connection, SEALED_UNDER, note)
    if known and known[0].key_id == keyring.current_id and not again:
        return 0
    await _index_identities(database, keyring)
    sealed = 0
    for table in all_tables():
        for field in sealed_columns(table):
            for bucket in range(BUCKET_COUNT):
                sealed += await _seal_field(database, keyring, table.name, field, bucket)
    async with connected(database) as connection:
        await run(connection, NOTE_KEY, note)
    return sealed


async def _index_identities(database: Database, keyring: Keyring) -> None:
    while True:
        async with transaction(database) as connection:
            found = await rows(connection, CLEAR_IDENTITIES, {"limit": ROWS_MAX})
            if not found:
                return
            params = {
                "kinds": [row.kind for row in found],
                "values": [row.value for row in found],
                "indexes": [keyring.index(row.kind, row.value) for row in found],
            }
            await run(connection, INDEX_IDENTITIES, params)
            await run(connection, DELETE_IDENTITIES, params)


async def _seal_field(
    database: Database, keyring: Keyring, table: str, field: str, bucket: int
) -> int:
    owner = "id" if table == "users" else "user_id"
    page = sql(f"""
        SELECT {owner} AS user_id, {field} AS text FROM {table}
        WHERE bucket = :bucket AND {owner} > :after AND {field} IS NOT NULL
        ORDER BY {owner} LIMIT :limit
    """)
    change = sql(f"""
        UPDATE {table} t SET {field} = d.sealed
        FROM unnest(CAST(:users AS bigint[]), CAST(:texts AS text[]), CAST(:sealed AS text[]))
             AS d (user_id, text, sealed)
        WHERE t.bucket = :bucket AND t.{owner} = d.user_id AND t.{field} = d.text
    """)
    count, after = 0, 0
    while True:
        async with transaction(database) as connection:
            params = {"bucket": bucket, "after": after, "limit": ROWS_MAX}
            found = await rows(connection, page, params)
            stale = [row for row in found if not keyring.is_current(row.text)]
            if stale:
                changes = {
                    "bucket": bucket,
                    "users": [row.user_id for row in stale],
                    "texts": [row.text for row in stale],
                    "sealed": [_resealed(keyring, field, row.user_id, row.text) for row in stale],
                }
                count += await run(connection, change, changes)
        if len(found) < ROWS_MAX:
            return count
        after = found[-1].user_id


def _resealed(keyring: Keyring, field: str, user_id: int, text: str) -> str:
    bound_to = field_of(field)
    return keyring.seal(bound_to, user_id, keyring.open_any(bound_to, user_id, text))
