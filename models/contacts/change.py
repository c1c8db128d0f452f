"""Changing one's e-mail address or phone number (decision 0044).

A row a change: asked for, confirmed by the new address, waiting unless the former one confirms it
too, in effect, and for some days to be taken back. Both addresses are claimed from the confirmation
on until the way back ends. One at a time; addresses are sealed as the user's own, and copied.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from engine.admin.four_eyes import Objection
from engine.admin.permissions import Permission
from engine.core.timeline import bucket_of
from models.accounts.claims import Claim, claim_of
from models.accounts.register import Account
from models.accounts.second_factors import drop_factors
from models.accounts.sign_ins import end_all
from models.admin.staff import find_objection
from models.base.db import Connection, Database, Row, connected, rows, run, sql, transaction
from models.contacts.claims import COLUMNS, claim_new, release_ended, unclaim_new
from models.intents.members import raise_versions
from models.mining.snapshots import SnapshotCopies
from runtime.clock import new_id
from runtime.pii import Keyring

OPEN = "('REQUESTED', 'PROPOSED', 'WAITING', 'APPLIED')"

LOCK_USER = sql("""
    SELECT role, is_active FROM users
    WHERE bucket = :bucket AND id = :user_id AND closed_at IS NULL FOR NO KEY UPDATE
""")
OPEN_CHANGE = sql(f"""
    SELECT {COLUMNS} FROM contact_changes
    WHERE bucket = :bucket AND user_id = :user_id AND status IN {OPEN}
""")
ADD = sql(f"""
    INSERT INTO contact_changes (bucket, id, user_id, kind, status, new_email, new_phone,
        old_email, old_phone, new_identity, new_mailbox, old_identity, old_mailbox, sign_in_id,
        requested_at, proposer_id, reason)
    SELECT u.bucket, CAST(:id AS uuid), u.id, :kind, :status, CAST(:new_email AS text),
           CAST(:new_phone AS text), u.email, u.phone, :new_identity,
           CAST(:new_mailbox AS text), CAST(:old_identity AS text), CAST(:old_mailbox AS text),
           CAST(:sign_in_id AS uuid), CAST(:now AS timestamptz), CAST(:proposer AS bigint),
           CAST(:reason AS text)
    FROM users u WHERE u.bucket = :bucket AND u.id = :user_id
    RETURNING {COLUMNS}
""")
WAIT = sql(f"""
    UPDATE contact_changes
    SET status = 'WAITING', effective_at = :effective_at,
        decider_id = CAST(:decider AS bigint), decided_at = CAST(:decided_at AS timestamptz),
        note = CAST(:note AS text)
    WHERE bucket = :bucket AND id = :id AND status = :before
    RETURNING {COLUMNS}
""")
APPLY = sql(f"""
    UPDATE contact_changes
    SET status = 'APPLIED', applied_at = :now, back_until = :back_until,
        effective_at = LEAST(effective_at, :now)
    WHERE bucket = :bucket AND id = :id AND status = 'WAITING'
    RETURNING {COLUMNS}
""")
# A support's change takes effect without the new address's word: that it is read is not proved.
COPY_NEW = sql("""
    UPDATE users u SET email = COALESCE(c.new_email, u.email),
                       phone = COALESCE(c.new_phone, u.phone),
                       verified_at = CASE WHEN c.proposer_id IS NULL
                                          THEN COALESCE(u.verified_at, :now)
                                          ELSE u.verified_at END
    FROM contact_changes c
    WHERE u.bucket = :bucket AND u.id = :user_id AND u.closed_at IS NULL
      AND c.bucket = :bucket AND c.id = :id
""")
# Whoever changed it knew the password: it is good no more.
COPY_OLD = sql("""
    UPDATE users u SET email = c.old_email, phone = c.old_phone, password_hash = ''
    FROM contact_changes c
    WHERE u.bucket = :bucket AND u.id = :user_id AND u.closed_at IS NULL
      AND c.bucket = :bucket AND c.id = :id
""")
FORGET_CODES = sql("DELETE FROM codes WHERE bucket = :bucket AND user_id = :user_id")
END = sql(f"""
    UPDATE contact_changes
    SET status = :status, ended_at = :now, new_email = NULL, new_phone = NULL, old_email = NULL,
        old_phone = NULL
    WHERE bucket = :bucket AND id = :id AND status = :before
    RETURNING {COLUMNS}
""")
LOCK_CHANGE = sql(f"""
    SELECT {COLUMNS} FROM contact_changes
    WHERE bucket = :bucket AND id = :id AND status IN ('WAITING', 'APPLIED') FOR UPDATE
""")


class AlreadyChangingError(Exception):
    """Another change of the account is open."""

    def __init__(self, change: Row) -> None:
        super().__init__(change.status)
        self.change = change


class NoChangeError(Exception):
    """There is no change that this could be done to."""


class Wanted(Struct, frozen=True):
    """An address somebody wants to have, in its normal form, and who asks for it."""

    kind: str
    value: str
    status: str
    sign_in_id: UUID | None = None
    proposer_id: int | None = None
    reason: str | None = None


async def find_change(database: Database, user_id: int) -> Row | None:
    """The change of a user's that is open."""
    async with connected(database) as connection:
        found = await rows(connection, OPEN_CHANGE, _user(user_id))
    return found[0] if found else None


async def open_change(
    database: Database, keyring: Keyring, account: Account, wanted: Wanted, now: datetime
) -> Row:
    """Note what is wanted. One that was asked for and not confirmed gives way.

    Raise AlreadyChangingError or NoChangeError; then nothing changed.
    """
    await release_ended(database, account.id, now)
    async with transaction(database) as connection:
        return await add_change(connection, keyring, account, wanted, now)


async def add_change(
    connection: Connection, keyring: Keyring, account: Account, wanted: Wanted, now: datetime
) -> Row:
    """As `open_change`, within a transaction; what has ended was released before."""
    user = _user(account.id)
    if not await rows(connection, LOCK_USER, user):
        raise NoChangeError
    for row in await rows(connection, OPEN_CHANGE, user):
        if row.status != "REQUESTED":
            raise AlreadyChangingError(row)
        await run(connection, END, end_of(row, "CANCELLED", now))
    former = account.email if wanted.kind == "email" else account.phone
    new = claim_of(keyring, wanted.kind, wanted.value)
    old = claim_of(keyring, wanted.kind, former) if former else Claim(wanted.kind, "", None)
    params: dict[str, Any] = {"new_email": None, "new_phone": None}
    params[f"new_{wanted.kind}"] = keyring.seal(wanted.kind, account.id, wanted.value)
    params |= {
        "id": new_id(now),
        "kind": wanted.kind,
        "status": wanted.status,
        "new_identity": new.identity,
        "new_mailbox": new.mailbox,
        "old_identity": old.identity or None,
        "old_mailbox": old.mailbox,
        "sign_in_id": wanted.sign_in_id,
        "proposer": wanted.proposer_id,
        "reason": wanted.reason,
        "now": now,
    }
    return (await rows(connection, ADD, user | params))[0]


async def confirm_change(
    database: Database, change: Row, effective_at: datetime, now: datetime
) -> Row:
    """The new address has confirmed: claim it, and wait. Raise TakenError or NoChangeError."""
    await claim_new(database, change, now)
    params = {"bucket": change.bucket, "id": change.id, "before": "REQUESTED"}
    params |= {"effective_at": effective_at, "decider": None, "decided_at": None, "note": None}
    async with transaction(database) as connection:
        found = await rows(connection, WAIT, params)
    if not found:  # given up meanwhile
        await unclaim_new(database, change)
        raise NoChangeError
    return found[0]


async def apply_change(
    database: Database, copies: SnapshotCopies, change: Row, back_for: timedelta, now: datetime
) -> Row:
    """Let a change take effect, once: all sign-ins but the one it was asked for by end with it.

    Raise NoChangeError if it does not wait any more, or the account is off: then it waits.
    """
    key = {"bucket": change.bucket, "id": change.id, "user_id": change.user_id, "now": now}
    async with transaction(database) as connection:
        subject = await rows(connection, LOCK_USER, key)
        if not subject or not subject[0].is_active:
            raise NoChangeError
        if await _is_left(connection, change, now):
            found = await rows(connection, END, end_of(change, "CANCELLED", now))
        else:
            found = await rows(connection, APPLY, key | {"back_until": now + back_for})
        if not found:
            raise NoChangeError
        [changed] = found
        if changed.status == "APPLIED":
            await run(connection, COPY_NEW, key)
            await _shut_out(connection, copies, change, now, change.sign_in_id)
    if changed.status != "APPLIED":
        await release_ended(database, change.user_id, now)
        raise NoChangeError
    await copies.refresh(database, change.bucket, [change.user_id])
    return changed


async def cancel_change(database: Database, user_id: int, now: datetime) -> None:
    """Give up a change that is not in effect. Raise NoChangeError."""
    change = await find_change(database, user_id)
    if change is None or change.status not in ("REQUESTED", "WAITING"):
        raise NoChangeError
    async with transaction(database) as connection:
        if not await rows(connection, END, end_of(change, "CANCELLED", now)):
            raise NoChangeError
    await release_ended(database, user_id, now)


async def take_back(database: Database, copies: SnapshotCopies, change: Row, now: datetime) -> str:
    """Undo a change by the former address's word: CANCELLED, or REVERTED once it was in effect.

    Then the password that it was made with goes as well, with the second factors, and every
    sign-in ends. Raise NoChangeError.
    """
    key = {"bucket": change.bucket, "id": change.id, "user_id": change.user_id}
    async with transaction(database) as connection:
        is_there = await rows(connection, LOCK_USER, key)
        found = await rows(connection, LOCK_CHANGE, key)
        if not is_there or not found:
            raise NoChangeError
        [present] = found
        if present.back_until is not None and now >= present.back_until:
            raise NoChangeError
        status = "CANCELLED"
        if present.status == "APPLIED":
            status = "REVERTED"
            await run(connection, COPY_OLD, key)
            await drop_factors(connection, change.user_id)
            await _shut_out(connection, copies, present, now, None)
        await rows(connection, END, end_of(present, status, now))
    await copies.refresh(database, change.bucket, [change.user_id])
    await release_ended(database, change.user_id, now)
    return status


async def end_change(database: Database, change: Row, status: str, now: datetime) -> None:
    """End a change as it stands, and leave to others what it held."""
    async with transaction(database) as connection:
        await rows(connection, END, end_of(change, status, now))
    await release_ended(database, change.user_id, now)


def end_of(change: Row, status: str, now: datetime) -> dict[str, Any]:
    """Parameters of END: a change as it stands is to end so."""
    key = {"bucket": change.bucket, "id": change.id, "before": change.status}
    return key | {"status": status, "now": now}


async def object_to_change(
    connection: Connection, change: Row, approver_id: int, now: datetime
) -> Objection | None:
    """Why what support proposed and approved does not hold now, or None."""
    needed = Permission.CONTACTS_DECIDE
    return await find_objection(connection, change.proposer_id, approver_id, needed, now)


async def _is_left(connection: Connection, change: Row, now: datetime) -> bool:
    """Whether two people of support do not stand by it any more."""
    if change.proposer_id is None:
        return False
    return await object_to_change(connection, change, change.decider_id, now) is not None


async def _shut_out(
    connection: Connection,
    copies: SnapshotCopies,
    change: Row,
    now: datetime,
    kept: UUID | None,
) -> None:
    """End sign-ins, and codes that were sent to what is no longer the address."""
    await run(connection, FORGET_CODES, _user(change.user_id))
    await end_all(connection, change.user_id, now, kept)
    versions: Any = await raise_versions(connection, change.bucket, [change.user_id])
    await copies.mark_changing(versions)


def _user(user_id: int) -> dict[str, Any]:
    return {"bucket": bucket_of(user_id), "user_id": user_id}
