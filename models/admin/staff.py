"""The staff: who may approve, since when, and in whose line they stand (decision 0046).

Few people, whose standing is asked for in any bucket's transaction: a table on every node. It is
changed in the transaction that changes the user's role.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from engine.admin.four_eyes import Objection, StaffMember, approves, object_to
from engine.admin.permissions import Permission
from engine.core.role import Role
from models.base.db import Connection, rows, run, sql

# Held until the caller's transaction ends: who is demoted meanwhile was not yet, or waits.
STANDING = sql("""
    SELECT user_id, role, is_active, granted_at, line, suspended_until FROM staff
    WHERE user_id = ANY(CAST(:users AS bigint[])) ORDER BY user_id FOR SHARE
""")
GRANT = sql("""
    INSERT INTO staff (user_id, role, is_active, granted_by, approved_by, granted_at, line,
                       suspended_until)
    VALUES (:user_id, :role, :is_active, CAST(:granted_by AS bigint), CAST(:approved_by AS bigint),
            :now, CAST(:line AS bigint[]), CAST(:suspended_until AS timestamptz))
    ON CONFLICT (user_id) DO UPDATE
    SET role = excluded.role, is_active = excluded.is_active, granted_by = excluded.granted_by,
        approved_by = excluded.approved_by, granted_at = excluded.granted_at, line = excluded.line,
        suspended_until = excluded.suspended_until
""")
CHANGE = sql("""
    UPDATE staff SET role = :role, is_active = :is_active WHERE user_id = :user_id
""")
AMONG = sql("SELECT user_id FROM staff WHERE user_id = ANY(CAST(:users AS bigint[]))")
SUSPEND = sql("""
    UPDATE staff SET suspended_until = CAST(:until AS timestamptz) WHERE user_id = :user_id
""")
LEAVE = sql("DELETE FROM staff WHERE user_id = ANY(CAST(:users AS bigint[]))")


class Standing(Struct, frozen=True):
    """What decides about somebody's rights."""

    role: Role
    is_active: bool
    suspended_until: datetime | None = None


async def standing_of(connection: Connection, users: Sequence[int]) -> dict[int, StaffMember]:
    """The staff among these users, unchanged until the transaction ends."""
    found = await rows(connection, STANDING, {"users": sorted(users)})
    return {
        row.user_id: StaffMember(
            row.user_id,
            Role(row.role),
            row.is_active,
            row.granted_at,
            tuple(row.line),
            row.suspended_until,
        )
        for row in found
    }


async def find_objection(
    connection: Connection, proposer_id: int, approver_id: int, needed: Permission, at: datetime
) -> Objection | None:
    """Why what the one proposed and the other approves does not hold now, or None.

    Asked when it is approved and once more when it is applied, in the same transaction.
    """
    staff = await standing_of(connection, [proposer_id, approver_id])
    return object_to(staff.get(proposer_id), staff.get(approver_id), needed, at)


async def join_staff(
    connection: Connection,
    user_id: int,
    standing: Standing,
    granted: tuple[int, int] | None,
    now: datetime,
) -> None:
    """Keep who was granted a role that approves: by proposer and approver, or the command line."""
    line, (proposer_id, approver_id) = [user_id], granted or (None, None)
    if proposer_id is not None:
        staff = await standing_of(connection, [proposer_id, user_id])
        before = staff.get(user_id)
        # Whose line somebody stood in they do not leave by rising.
        line = [*(before.line[:-1] if before else ()), *staff[proposer_id].line, user_id]
    params = {
        "user_id": user_id,
        "role": standing.role.value,
        "is_active": standing.is_active,
        "suspended_until": standing.suspended_until,
        "granted_by": proposer_id,
        "approved_by": approver_id,
        "now": now,
        "line": list(dict.fromkeys(line)),
    }
    await run(connection, GRANT, params)


async def change_staff(connection: Connection, user_id: int, standing: Standing) -> None:
    """Keep what is left of somebody's standing. Nothing happens to who is no staff."""
    if approves(standing.role):
        params = {"user_id": user_id, "role": standing.role.value, "is_active": standing.is_active}
        await run(connection, CHANGE, params)
    else:
        await leave_staff(connection, [user_id])


async def suspend_staff(
    connection: Connection, suspended_until: Mapping[int, datetime | None]
) -> None:
    """Keep of whom of these users, who are locked, is staff until when they are suspended, if so.

    Most are not: then nothing is written, for a write holds up every node.
    """
    for row in await rows(connection, AMONG, {"users": sorted(suspended_until)}):
        until = suspended_until[row.user_id]
        await run(connection, SUSPEND, {"user_id": row.user_id, "until": until})


async def leave_staff(connection: Connection, users: Sequence[int]) -> None:
    """Whoever of these was staff is none any more."""
    await run(connection, LEAVE, {"users": sorted(users)})
