"""Whose eyes count where two people have to agree, and which are two pairs (decision 0046).

A pair of eyes is a line of people, not an account: whoever was made staff stands in the line of who
proposed them, up to somebody named at the command line. Two people of lines that share nobody have
been chosen by different people, and no one person can have made both of them.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from engine.admin.permissions import Permission, may
from engine.core.money import MICRO_PER_TWTC
from engine.core.role import Role

# A role counts for approving from so long after it was granted: others can object meanwhile.
COUNTS_AFTER = timedelta(days=7)
# By hand, over the whole installation and a UTC day.
CREDITS_OF_DAY_MICRO_MAX = 10_000 * MICRO_PER_TWTC


def approves(role: Role) -> bool:
    """Whether a role may approve what a colleague proposes: it takes two people to grant it."""
    return may(role, Permission.ADJUSTMENTS_DECIDE)


class StaffMember(Struct, frozen=True):
    """Somebody with a role that may approve.

    `line` leads from whom the command line named to the member: each proposed the next one.
    """

    user_id: int
    role: Role
    is_active: bool
    granted_at: datetime
    line: tuple[int, ...]
    suspended_until: datetime | None = None

    @property
    def counts_from(self) -> datetime:
        """From when on the member may approve. The command line is the operator's own hand."""
        return self.granted_at if len(self.line) == 1 else self.granted_at + COUNTS_AFTER


class Objection(StrEnum):
    """Why two people are not two pairs of eyes. The first kind ends the proposal itself."""

    PROPOSER_LEFT = "Who proposed it may not propose it any more."
    APPROVER_LEFT = "Who approved it may not approve it any more."
    SAME_PERSON = "Whoever proposed it cannot approve it. Ask a colleague."
    ONE_LINE = (
        "Who proposed it and who approves it were chosen by the same people. Ask a colleague of"
        " another line."
    )
    TOO_NEW = "This role counts for approving from seven days after it was granted."


def object_to(
    proposer: StaffMember | None, approver: StaffMember | None, needed: Permission, at: datetime
) -> Objection | None:
    """Why what one proposed and the other approves does not hold at an instant, or None.

    None as a member is somebody without a role that may approve.
    """
    if not stands(proposer, needed, at):
        return Objection.PROPOSER_LEFT
    if not stands(approver, needed, at):
        return Objection.APPROVER_LEFT
    assert proposer is not None and approver is not None
    if proposer.user_id == approver.user_id:
        return Objection.SAME_PERSON
    if not set(proposer.line).isdisjoint(approver.line):
        return Objection.ONE_LINE
    if at < approver.counts_from:
        return Objection.TOO_NEW
    return None


def stands(member: StaffMember | None, needed: Permission, at: datetime) -> bool:
    """Whether somebody is staff with this right at an instant, and not suspended."""
    if member is None or not member.is_active or not may(member.role, needed):
        return False
    return member.suspended_until is None or at >= member.suspended_until
