"""What is paid, changed by two: one proposes it, a colleague approves it (decision 0046).

It is applied with the approval, in one transaction. The operator's command line may approve by
itself: that is their own hand, which needs no role.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from engine.admin.configuration import Configuration, ConfigurationError, with_all_limits
from engine.admin.four_eyes import Objection, stands
from engine.admin.pay import PROPOSED_WITH, PayError, PayKind, check_pay, differences, is_pay
from engine.admin.permissions import Permission
from models.admin.proposals import (
    LIVES,
    NoSuchProposalError,
    NotDecidableError,
    check_age,
    check_undecided,
)
from models.admin.staff import find_objection, standing_of
from models.base.db import (
    Connection,
    Database,
    Row,
    UniqueViolation,
    connected,
    rows,
    run,
    sql,
    transaction,
)
from models.base.encoding import encode
from models.base.trail import Actor, Entry, log_action
from models.content.editing import TaskTypeRow, VideoRow, find_row, write_row
from models.installation.configuration import VersionConflictError, add_version, next_version
from runtime.clock import new_id

_COLUMNS = """id, kind, subject, payload, changes, reason, status, proposer_id, proposed_at,
           expires_at, decider_id, decided_at, note, failure"""
PROPOSE = sql(f"""
    INSERT INTO pay_proposals (id, kind, subject, payload, changes, reason, status, proposer_id,
                               proposed_at, expires_at)
    VALUES (:id, :kind, :subject, CAST(:payload AS jsonb), CAST(:changes AS jsonb), :reason,
            'PROPOSED', :proposer, :now, :expires_at)
    RETURNING {_COLUMNS}
""")
LOCK = sql(f"SELECT {_COLUMNS} FROM pay_proposals WHERE id = :id FOR UPDATE")
CLOSE = sql(f"""
    UPDATE pay_proposals
    SET status = :status, decider_id = CAST(:decider AS bigint), decided_at = :now, note = :note
    WHERE id = :id
    RETURNING {_COLUMNS}
""")
LAPSE_ONE = sql("UPDATE pay_proposals SET status = 'LAPSED', failure = :failure WHERE id = :id")
PAGE = sql(f"""
    SELECT {_COLUMNS} FROM pay_proposals
    WHERE (proposed_at, id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid))
    ORDER BY proposed_at DESC, id DESC LIMIT :limit
""")
OPEN = sql(f"SELECT {_COLUMNS} FROM pay_proposals WHERE status = 'PROPOSED' ORDER BY proposed_at")


class NewVersion(Struct, frozen=True, forbid_unknown_fields=True):
    """The next version of the configuration: after which one, and from when on it is to hold."""

    after: int
    settings: Configuration
    effective_from: datetime | None = None


Change = NewVersion | TaskTypeRow | VideoRow
_TYPES: dict[PayKind, type[NewVersion] | type[TaskTypeRow] | type[VideoRow]] = {
    PayKind.CONFIGURATION: NewVersion,
    PayKind.TASK_TYPE: TaskTypeRow,
    PayKind.VIDEO: VideoRow,
}
_MEANWHILE = "It was changed meanwhile. Propose it anew."


async def change_pay(
    database: Database, actor: Actor, change: Change, reason: str, now: datetime
) -> Row | None:
    """Propose a change of what is paid. None if it bears on no pay: then it is made at once.

    Raise ConfigurationError, PayError or VersionConflictError for what may not be, and
    NotDecidableError if another change of the same is open.
    """
    kind = _kind_of(change)
    if actor.user_id is None:
        raise NotDecidableError("Somebody of the staff has to propose it.")
    try:
        async with transaction(database) as connection:
            changes = await _changes(connection, change)
            check_pay(kind, changes)
            if not is_pay(kind, changes):
                assert not isinstance(change, NewVersion)
                await write_row(connection, change, actor, reason, now)
                return None
            params: dict[str, Any] = {"id": new_id(now), "kind": kind.value}
            params |= {"subject": _subject(change)}
            params |= {"payload": encode(change), "changes": encode(changes), "reason": reason}
            params |= {"proposer": actor.user_id, "now": now, "expires_at": now + LIVES}
            [added] = await rows(connection, PROPOSE, params)
            await _log(connection, actor, "pay.propose", added, reason, now)
    except UniqueViolation:
        raise NotDecidableError("A change of this is proposed already. Decide it.") from None
    return added


async def decide_pay(
    database: Database,
    actor: Actor,
    proposal_id: UUID,
    *,
    is_approved: bool,
    note: str,
    now: datetime,
) -> Row:
    """Approve, which makes the change, or reject. Raise NoSuchProposalError, NotDecidableError."""
    async with transaction(database) as connection:
        found = await rows(connection, LOCK, {"id": proposal_id})
        if not found:
            raise NoSuchProposalError
        held = found[0]
        check_undecided(held.status)
        objection = await _object(connection, held, actor, now) if is_approved else None
        if objection is Objection.PROPOSER_LEFT:
            await run(connection, LAPSE_ONE, {"id": held.id, "failure": objection.value})
        if objection is None:
            if is_approved:
                await _apply(connection, held, actor, now)
            status = "APPROVED" if is_approved else "REJECTED"
            params = {"id": held.id, "status": status, "decider": actor.user_id, "note": note}
            [decided] = await rows(connection, CLOSE, params | {"now": now})
            name = "pay.approve" if is_approved else "pay.reject"
            await _log(connection, actor, name, decided, note, now)
    if objection is not None:
        raise NotDecidableError(objection.value)
    return decided


async def list_pay_proposals(
    database: Database, before_at: datetime, before_id: UUID, limit: int
) -> Sequence[Row]:
    """A page, newest first."""
    params = {"before_at": before_at, "before_id": before_id, "limit": limit}
    async with connected(database) as connection:
        return await rows(connection, PAGE, params)


async def open_pay_proposals(database: Database) -> Sequence[Row]:
    """Those that await a decision, oldest first."""
    async with connected(database) as connection:
        return await rows(connection, OPEN)


async def _object(
    connection: Connection, held: Row, actor: Actor, now: datetime
) -> Objection | None:
    """Why it cannot be approved. Raise NotDecidableError if it is too old."""
    check_age(held.expires_at, now)
    proposer = (await standing_of(connection, [held.proposer_id])).get(held.proposer_id)
    if not stands(proposer, PROPOSED_WITH[PayKind(held.kind)], now):
        return Objection.PROPOSER_LEFT
    if actor.user_id is None:
        return None
    needed = Permission.PAY_DECIDE
    return await find_objection(connection, held.proposer_id, actor.user_id, needed, now)


async def _apply(connection: Connection, held: Row, actor: Actor, now: datetime) -> None:
    """Make the change, if it is still the one that was looked at."""
    try:
        change = _proposed(held)
        changes = msgspec.json.decode(encode(await _changes(connection, change)))
        if changes != msgspec.json.decode(held.changes):
            raise NotDecidableError(_MEANWHILE)
        check_pay(PayKind(held.kind), changes)
        if isinstance(change, NewVersion):
            since = change.effective_from
            settings, after = change.settings, change.after
            await add_version(
                connection, held.proposer_id, actor, after, settings, held.reason, since, now
            )
        else:
            await write_row(connection, change, actor, held.reason, now)
    except (VersionConflictError, msgspec.ValidationError):
        raise NotDecidableError(_MEANWHILE) from None
    except (ConfigurationError, PayError) as error:
        raise NotDecidableError(f"{error}. Propose it anew.") from None


def _proposed(held: Row) -> Change:
    """The change as it was proposed; maybe by a release that did not know all limits."""
    change = msgspec.json.decode(held.payload, type=_TYPES[PayKind(held.kind)])
    if not isinstance(change, NewVersion):
        return change
    limits = with_all_limits(change.settings.limits)
    return replace(change, settings=replace(change.settings, limits=limits))


async def _changes(connection: Connection, change: Change) -> dict[str, list[Any]]:
    if isinstance(change, NewVersion):
        return (await next_version(connection, change.after, change.settings))[1]
    before, after = await find_row(connection, change), msgspec.to_builtins(change)
    if isinstance(change, VideoRow):  # why it is off is only told, and no length leaves it as it is
        del after["inactive_because"]
        if change.duration_seconds is None:
            del after["duration_seconds"]
    return differences(before, after)


def _kind_of(change: Change) -> PayKind:
    return next(kind for kind, known in _TYPES.items() if isinstance(change, known))


def _subject(change: Change) -> str:
    match change:
        case NewVersion():
            return "configuration"
        case TaskTypeRow():
            return str(change.id)
        case VideoRow():
            return f"{change.provider}:{change.provider_id}"


async def _log(
    connection: Connection, actor: Actor, name: str, proposal: Row, why: str, now: datetime
) -> None:
    changes = msgspec.json.decode(proposal.changes)
    before = {key: values[0] for key, values in changes.items()}
    after = {key: values[1] for key, values in changes.items()} | {"id": proposal.id}
    await log_action(
        connection, actor, Entry(name, proposal.kind, proposal.subject, before, after, why), now
    )
