"""Holding a bucket: whoever works in one waits here, so that everything in it has an order."""

from datetime import datetime

from models.base.db import Connection, rows, sql

LOCK_WATERMARKS = sql("""
    SELECT group_number, credited_through FROM credit_watermarks
    WHERE bucket = :bucket ORDER BY group_number FOR UPDATE
""")


async def lock_bucket(connection: Connection, bucket: int) -> dict[int, datetime]:
    """Hold a bucket until the transaction ends. Return how far each group has been paid."""
    found = await rows(connection, LOCK_WATERMARKS, {"bucket": bucket})
    return {row.group_number: row.credited_through for row in found}
