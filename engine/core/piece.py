"""A piece of the work: what a bell is rung for (decision 0008)."""

from enum import IntEnum

from msgspec import Struct


class Lane(IntEnum):
    """What belongs to no group, by the number that stands for it in a piece. The groups' lanes are
    1 to 10; 11 was that of pushes, of the release before."""

    UPKEEP = 0
    ERRANDS = 12


class Piece(Struct, frozen=True, order=True):
    """What a bell is rung for: one group's intents in one bucket, or what else its lane does."""

    group_number: int
    bucket: int
