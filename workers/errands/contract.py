"""Who makes the calls of a kind, and who asks what became of one."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct

from engine.core.errands import Call, Errand, Reply
from workers.workshop import Workshop

# What the calls of a batch have in common, read once.
Prepare = Callable[[Workshop, int, Sequence[Errand]], Awaitable[Any]]
Make = Callable[[Workshop, Errand, Any], Awaitable[Reply]]


async def nothing(shop: Workshop, bucket: int, errands: Sequence[Errand]) -> None:
    """The calls of a batch have nothing in common."""


class Caller(Struct, frozen=True):
    """One kind of calls. `make` asks under the errand's id; `inquire` asks what became of that, and
    says Later for what never arrived. A kind that may be repeated needs no `inquire`."""

    call: type[Call]
    make: Make
    inquire: Make | None = None
    prepare: Prepare = nothing
