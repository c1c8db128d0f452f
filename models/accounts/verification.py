"""What a code from our message brings about: a verified address, or a new password."""

from datetime import datetime
from uuid import UUID

from engine.core.timeline import bucket_of
from models.accounts.register import CHANGE_PASSWORD, VERIFY
from models.accounts.sign_ins import end_all
from models.base.db import Database, run, transaction
from models.intents.members import raise_versions
from models.mining.snapshots import SnapshotCopies


async def verify_address(
    database: Database, copies: SnapshotCopies, user_id: int, now: datetime
) -> None:
    """The user reads what is sent to their address: they can earn from now on."""
    bucket = bucket_of(user_id)
    params = {"bucket": bucket, "user_id": user_id, "now": now}
    async with transaction(database) as connection:
        if await run(connection, VERIFY, params) == 0:
            return
        await copies.mark_changing(await raise_versions(connection, bucket, [user_id]))
    await copies.refresh(database, bucket, [user_id])


async def change_password(
    database: Database, user_id: int, password_hash: str, now: datetime, kept: UUID | None = None
) -> None:
    """Replace the password, and end all sign-ins but the one that is kept: together."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "password_hash": password_hash}
    async with transaction(database) as connection:
        if await run(connection, CHANGE_PASSWORD, params):
            await end_all(connection, user_id, now, kept)
