"""Who belongs to which group: a newcomer's place and the weekly balance (blueprint, "Groups")."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from engine.core.timeline import Timetable, next_opening

TOLERANCE_MEMBERS = 5
TOLERANCE_PERCENT = 1


class Move(Struct, frozen=True):
    """`member_count` members go from one group to another."""

    from_group: int
    to_group: int
    member_count: int


def tolerance(sizes: Sequence[int]) -> int:
    """Groups closer than this to the smallest count as equally small: 1 % or 5 members."""
    return max(TOLERANCE_MEMBERS, min(sizes) * TOLERANCE_PERCENT // 100)


def assign(sizes: Sequence[int], table: Timetable, at: datetime) -> int:
    """The group of a newcomer: of the smallest groups, the one that opens next.

    `sizes[g - 1]` are the members of group g, read without a lock: a race puts a few more
    into one group, which the tolerance absorbs and the rebalance evens out.
    """
    limit = min(sizes) + tolerance(sizes)
    smallest = [number for number, size in enumerate(sizes, start=1) if size <= limit]
    just_before = at - timedelta(microseconds=1)  # a window opening at this instant is next
    return min(smallest, key=lambda number: (next_opening(table, number, just_before), number))


def plan_moves(sizes: Sequence[int]) -> list[Move]:
    """The fewest moves after which no two groups differ by more than one member.

    Nobody is moved while all groups lie within the tolerance: a move changes people's hours.
    """
    if max(sizes) - min(sizes) <= tolerance(sizes):
        return []
    share, remainder = divmod(sum(sizes), len(sizes))
    largest_first = sorted(range(len(sizes)), key=lambda index: (-sizes[index], index))
    targets = {index: share + (rank < remainder) for rank, index in enumerate(largest_first)}
    surplus = [[i, sizes[i] - targets[i]] for i in largest_first if sizes[i] > targets[i]]
    deficit = [[i, targets[i] - sizes[i]] for i in largest_first if sizes[i] < targets[i]]
    moves = []
    while surplus and deficit:
        count = min(surplus[0][1], deficit[0][1])
        moves.append(Move(surplus[0][0] + 1, deficit[0][0] + 1, count))
        for side in (surplus, deficit):
            side[0][1] -= count
            if side[0][1] == 0:
                side.pop(0)
    return moves
