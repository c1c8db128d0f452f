"""What people have agreed to, with its history (GDPR, articles 7 and 21)."""

from collections.abc import Mapping
from datetime import datetime

from engine.core.timeline import bucket_of
from models.base.arrays import AT_BUCKET, ROUTED
from models.base.db import Database, connected, rows, run, sql, transaction

# Raised when the wording of what is agreed to changes.
POLICY_VERSION = 1
# TRACKING: features of devices and addresses, kept against fraud unless somebody objects.
# MARKETING: only of whoever asked for it.
DEFAULTS: Mapping[str, bool] = {"TRACKING": True, "MARKETING": False}

CONSENTS = sql("""
    SELECT DISTINCT ON (purpose) purpose, granted, policy_version, changed_at FROM consents
    WHERE bucket = :bucket AND user_id = :user_id
    ORDER BY purpose, changed_at DESC
""")

CHANGE_CONSENTS = sql(f"""
    INSERT INTO consents (bucket, user_id, purpose, changed_at, granted, policy_version)
    SELECT m.bucket, :user_id, d.purpose, CAST(:now AS timestamptz), d.granted, :policy_version
    FROM {ROUTED}
         unnest(CAST(:purposes AS text[]), CAST(:granted AS boolean[])) AS d (purpose, granted)
    WHERE {AT_BUCKET}
    ON CONFLICT (bucket, user_id, purpose, changed_at) DO UPDATE SET granted = excluded.granted
""")

OPT_OUT = sql("""
    UPDATE users SET tracking_opt_out = :opts_out
    WHERE bucket = :bucket AND id = :user_id AND tracking_opt_out <> :opts_out
""")


FORGET_DEVICES = sql("DELETE FROM fingerprints WHERE user_id = :user_id")
FORGET_PLACE = sql("""
    UPDATE fraud_trails SET latitude = NULL, longitude = NULL, placed_at = NULL
    WHERE bucket = :bucket AND user_id = :user_id
""")


async def read_consents(database: Database, user_id: int) -> dict[str, bool]:
    """Whether a user agrees to each purpose."""
    async with connected(database) as connection:
        params = {"bucket": bucket_of(user_id), "user_id": user_id}
        found = await rows(connection, CONSENTS, params)
    return dict(DEFAULTS) | {row.purpose: row.granted for row in found}


async def change_consents(
    database: Database, user_id: int, changes: Mapping[str, bool], now: datetime
) -> None:
    """Record what a user now agrees or objects to; it holds for what is recorded from here on."""
    params = {
        "bucket": bucket_of(user_id),
        "user_id": user_id,
        "purposes": list(changes),
        "granted": list(changes.values()),
        "policy_version": POLICY_VERSION,
        "now": now,
    }
    if changes.get("TRACKING") is False:
        async with transaction(database) as connection:
            await run(connection, FORGET_DEVICES, {"user_id": user_id})
    async with transaction(database) as connection:
        if "TRACKING" in changes:
            await run(connection, OPT_OUT, params | {"opts_out": not changes["TRACKING"]})
            if not changes["TRACKING"]:
                await run(connection, FORGET_PLACE, params)
        await run(connection, CHANGE_CONSENTS, params)
