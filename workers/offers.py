"""What a domain has to offer to a batch (`OFFERS`), and takes back after it (`AFTERWARDS`)."""

from collections.abc import Awaitable, Callable

from engine.core.conditions import Conditions
from models.intents.batch import Batch
from workers.workshop import Workshop

Offer = Callable[[Workshop, Batch, Conditions], Awaitable[None]]
