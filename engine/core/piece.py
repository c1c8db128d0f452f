"""A piece of the work: what a bell is rung for (decision 0008)."""

from msgspec import Struct


class Piece(Struct, frozen=True, order=True):
    """What a bell is rung for: one group's intents in one bucket."""

    group_number: int
    bucket: int
