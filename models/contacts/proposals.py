"""Changes of addresses by support: proposed by one, approved by another (decision 0044)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.admin.four_eyes import Objection
from engine.admin.permissions import may_act_on
from engine.core.role import Role
from engine.core.timeline import bucket_of
from models.accounts.claims import TakenError
from models.accounts.register import Account
from models.admin.proposals import NotDecidableError, check_age, check_undecided
from models.base.buckets import newest, rows_of_buckets
from models.base.db import Connection, Database, Row, connected, rows, sql, transaction
from models.base.pages import FIRST_PAGE, Cursor
from models.base.trail import Actor, Entry, log_action
from models.contacts.change import (
    END,
    LOCK_USER,
    WAIT,
    AlreadyChangingError,
    NoChangeError,
    Wanted,
    add_change,
    end_of,
    object_to_change,
)
from models.contacts.claims import COLUMNS, claim_new, release_ended, unclaim_new
from models.contacts.upkeep import PROPOSAL_LIVES
from runtime.pii import Keyring

LOCK = sql(f"""
    SELECT {COLUMNS} FROM contact_changes
    WHERE bucket = :bucket AND id = :id AND user_id = :user_id FOR UPDATE
""")
REJECT = sql(f"""
    UPDATE contact_changes
    SET status = :status, ended_at = :now, decider_id = :decider, decided_at = :now, note = :note,
        new_email = NULL, new_phone = NULL, old_email = NULL, old_phone = NULL
    WHERE bucket = :bucket AND id = :id AND status = :before
    RETURNING {COLUMNS}
""")
PAGE = sql(f"""
    SELECT {COLUMNS} FROM contact_changes
    WHERE bucket = :bucket AND proposer_id IS NOT NULL
      AND (requested_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
    ORDER BY requested_at DESC, id DESC LIMIT :limit
""")


async def propose_change(
    database: Database,
    keyring: Keyring,
    actor: Actor,
    account: Account,
    wanted: Wanted,
    now: datetime,
) -> Row:
    """Keep a proposal, and a line of the trail. Raise NotDecidableError; then nothing changed."""
    if actor.user_id is None or actor.user_id == account.id:
        raise NotDecidableError("Nobody changes their own address by support.")
    if not may_act_on(actor.role, Role(account.role)):
        raise NotDecidableError(f"A {actor.role} does not change a {account.role}'s address.")
    await release_ended(database, account.id, now)
    async with transaction(database) as connection:
        try:
            change = await add_change(connection, keyring, account, wanted, now)
        except AlreadyChangingError:
            raise NotDecidableError("Another change of this account is under way.") from None
        except NoChangeError:
            raise NotDecidableError("This account is closed.") from None
        facts = {"id": change.id, "kind": wanted.kind}
        action = Entry("contact.propose", "user", str(account.id), {}, facts, wanted.reason or "")
        await log_action(connection, actor, action, now)
    return change


async def approve_change(
    database: Database,
    actor: Actor,
    user_id: int,
    change_id: UUID,
    note: str,
    effective_at: datetime,
    now: datetime,
) -> Row:
    """Approve a proposal: the address is claimed, and the change waits.

    Raise NoChangeError or NotDecidableError; then nothing changed.
    """
    key = {"bucket": bucket_of(user_id), "id": change_id, "user_id": user_id}
    async with connected(database) as connection:
        proposed = await rows(connection, LOCK, key)
    if not proposed:
        raise NoChangeError
    _refuse(proposed[0], actor, now)
    try:
        await claim_new(database, proposed[0], now)
    except TakenError:
        raise NotDecidableError("Another account has this address.") from None
    objection = None
    try:
        async with transaction(database) as connection:
            subject = await rows(connection, LOCK_USER, key)
            [found] = await rows(connection, LOCK, key)
            if not subject or found.status != "PROPOSED":
                raise NotDecidableError("It was decided just now.")
            if not may_act_on(actor.role, Role(subject[0].role)):
                raise NotDecidableError(f"A {actor.role} does not change that address.")
            objection = await object_to_change(connection, found, actor.user_id or 0, now)
            if objection is None:
                return await _approve(connection, actor, found, note, effective_at, now)
            if objection is Objection.PROPOSER_LEFT:
                await rows(connection, END, end_of(found, "EXPIRED", now))
        raise NotDecidableError(objection.value)
    except NotDecidableError:
        await unclaim_new(database, proposed[0])
        raise


async def _approve(
    connection: Connection,
    actor: Actor,
    change: Row,
    note: str,
    effective_at: datetime,
    now: datetime,
) -> Row:
    params: dict[str, Any] = {"bucket": change.bucket, "id": change.id, "before": "PROPOSED"}
    params |= {"decider": actor.user_id, "decided_at": now, "note": note}
    [waiting] = await rows(connection, WAIT, params | {"effective_at": effective_at})
    action = Entry("contact.approve", "user", str(change.user_id), {}, {"id": change.id}, note)
    await log_action(connection, actor, action, now)
    return waiting


async def reject_change(
    database: Database, actor: Actor, user_id: int, change_id: UUID, note: str, now: datetime
) -> Row:
    """Reject or withdraw a proposal, also one that waits. Raise as `approve_change`."""
    key: dict[str, Any] = {"bucket": bucket_of(user_id), "id": change_id, "user_id": user_id}
    async with transaction(database) as connection:
        await rows(connection, LOCK_USER, key)
        found = await rows(connection, LOCK, key)
        if not found or found[0].proposer_id is None:
            raise NoChangeError
        if actor.user_id is None or actor.user_id == user_id:
            raise NotDecidableError("Nobody decides about their own address.")
        if found[0].status not in ("PROPOSED", "WAITING"):
            raise NotDecidableError(f"It is {found[0].status.lower()} already.")
        ended = {"before": found[0].status, "status": "REJECTED", "now": now}
        decision = {"decider": actor.user_id, "note": note}
        [change] = await rows(connection, REJECT, key | ended | decision)
        action = Entry("contact.reject", "user", str(user_id), {}, {"id": change_id}, note)
        await log_action(connection, actor, action, now)
    await release_ended(database, user_id, now)
    return change


async def list_proposals(database: Database, before: Cursor | None, limit: int) -> Sequence[Row]:
    """A page of what support proposed, newest first."""
    before = before or FIRST_PAGE
    params = {"before_at": before.at, "before_id": before.id, "limit": limit}
    found = await rows_of_buckets(database, PAGE, params)
    return newest(found, limit, "requested_at")


def _refuse(change: Row, actor: Actor, now: datetime) -> None:
    check_undecided(change.status)
    if actor.user_id is None or actor.user_id == change.user_id:
        raise NotDecidableError("Nobody decides about their own address.")
    check_age(change.requested_at + PROPOSAL_LIVES, now)
