"""The one place that reads the clock, and the ids that carry its time.

Tests freeze it with freezegun; the demo runs it on a simulated clock through `use`.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

from engine.core.timeline import EPOCH, micros

Clock = Callable[[], datetime]
RandomBits = Callable[[int], int]


def _system_clock() -> datetime:
    # EPOCH + difference is a plain datetime also while freezegun's subclass is in place.
    return EPOCH + (datetime.now(UTC) - EPOCH)  # noqa: TID251


_clock: Clock = _system_clock
_random_bits: RandomBits = secrets.randbits


def utcnow() -> datetime:
    """The current instant, aware UTC."""
    return _clock()


def new_id(at: datetime) -> UUID:
    """A UUIDv7 of the instant `at` (RFC 9562, section 5.7), its sub-millisecond part included."""
    return UUID(int=first_id(at).int | _random_bits(62))


def first_id(at: datetime) -> UUID:
    """The least id of an instant: those of earlier ones are less."""
    us = micros(at)
    return UUID(int=(us // 1000) << 80 | 0x7 << 76 | (us % 1000 << 2) << 64 | 0b10 << 62)


@contextmanager
def use(clock: Clock, random_bits: RandomBits = secrets.randbits) -> Iterator[None]:
    """Run on another clock and source of randomness, for a simulation."""
    global _clock, _random_bits
    before = _clock, _random_bits
    _clock, _random_bits = clock, random_bits
    try:
        yield
    finally:
        _clock, _random_bits = before
