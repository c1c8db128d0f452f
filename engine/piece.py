"""A piece of the work: what one worker drains at a time (decision 0008)."""

from msgspec import Struct


class Piece(Struct, frozen=True, order=True):
    """What one worker drains at a time: one group's intents in one bucket."""

    group_number: int
    bucket: int
