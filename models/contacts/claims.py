"""What changes of addresses hold: claimed when the new one has confirmed, given up by whichever
address does not stay (decision 0044)."""

from datetime import datetime

from engine.core.timeline import bucket_of
from models.accounts.claims import Claim, TakenError, claim_for_user, give_up
from models.base.columns import sealed_columns
from models.base.db import Database, Row, connected, rows, run, sql
from models.contacts.tables import contact_changes
from runtime.pii import Keyring, open_fields

COLUMNS = """bucket, id, user_id, kind, status, new_email, new_phone, old_email, old_phone,
           new_identity, new_mailbox, old_identity, old_mailbox, sign_in_id, requested_at,
           effective_at, applied_at, back_until, ended_at, proposer_id, reason, decider_id,
           decided_at, note"""

# Whoever is suspended or switched off keeps what they left: nobody comes back with it meanwhile.
LEFT_TO_OTHERS = """
    c.ended_at IS NOT NULL AND c.new_identity IS NOT NULL
    AND (c.status <> 'FINISHED' OR NOT EXISTS (
        SELECT FROM users u
        WHERE u.bucket = :bucket AND u.id = c.user_id AND u.closed_at IS NULL
          AND (NOT u.is_active OR u.hold = 'SUSPENDED' AND u.hold_until > :now)))
"""
UNRELEASED = sql(f"""
    SELECT {COLUMNS} FROM contact_changes c
    WHERE c.bucket = :bucket AND c.user_id = :user_id AND {LEFT_TO_OTHERS}
""")
RELEASED = sql("""
    UPDATE contact_changes SET new_identity = NULL, new_mailbox = NULL, old_identity = NULL,
                               old_mailbox = NULL
    WHERE bucket = :bucket AND id = :id
""")
IS_KEPT = sql("""
    SELECT 1 FROM contact_changes
    WHERE bucket = :bucket AND id = :id AND status IN ('WAITING', 'APPLIED')
""")


def new_address(keyring: Keyring, change: Row) -> str:
    """The address that an open change is about, in the clear."""
    fields = sealed_columns(contact_changes)
    opened = open_fields(keyring, change.user_id, dict(change), fields)
    address: str = opened[f"new_{change.kind}"]
    return address


async def claim_new(database: Database, change: Row, now: datetime) -> None:
    """Claim the new address of a change. Raise TakenError; then nothing is claimed."""
    claim = new_claim(change)
    try:
        await claim_for_user(database, claim, change.user_id, now)
    except TakenError:
        await give_up(database, claim, change.user_id)
        raise


async def unclaim_new(database: Database, change: Row) -> None:
    """Give up what was claimed for a change that cannot go on: unless another has let it."""
    params = {"bucket": change.bucket, "id": change.id}
    async with connected(database) as connection:
        found = await rows(connection, IS_KEPT, params)
    if not found:
        await give_up(database, new_claim(change), change.user_id)


async def release_ended(database: Database, user_id: int, now: datetime) -> None:
    """Leave to others what changes that have ended held: the former address of one that stays, the
    new one of any other."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "now": now}
    async with connected(database) as connection:
        ended = await rows(connection, UNRELEASED, params)
    for change in ended:
        claim = old_claim(change) if change.status == "FINISHED" else new_claim(change)
        if claim is not None:
            await give_up(database, claim, user_id)
        async with connected(database) as connection:
            await run(connection, RELEASED, {"bucket": change.bucket, "id": change.id})


def new_claim(change: Row) -> Claim:
    """What a change claims. A mailbox that stays the same is no part of it."""
    mailbox = change.new_mailbox if change.new_mailbox != change.old_mailbox else None
    return Claim(change.kind, change.new_identity, mailbox)


def old_claim(change: Row) -> Claim | None:
    """What a change leaves, if there was anything."""
    if change.old_identity is None:
        return None
    mailbox = change.old_mailbox if change.new_mailbox != change.old_mailbox else None
    return Claim(change.kind, change.old_identity, mailbox)
