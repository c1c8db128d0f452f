"""The work of one message per intent, the same for every peer: one transaction.

It is the engine's own batch, with one intent in it: the same claim, state, rule, effects and
completion. In the peers' favour nobody writes the copies that the status poll reads.
"""

from collections.abc import Collection, Iterable
from uuid import UUID

from engine.core.piece import Piece
from models.base.db import Database
from models.content.catalogue import Catalogue
from models.fraud.reputation import Reputation
from models.installation.configuration import Configurations
from models.installation.settings import load_installation
from models.mining.snapshots import SnapshotCopies
from workers.apply import apply_batch
from workers.workshop import Workshop


class NoCopies(SnapshotCopies):
    """Copies for nobody."""

    def __init__(self) -> None:
        pass

    async def mark_changing(self, versions: Iterable[tuple[int, int]]) -> None:
        """Mark nothing."""

    async def refresh(self, database: Database, bucket: int, user_ids: Collection[int]) -> None:
        """Copy nothing."""


_shop: Workshop | None = None


async def apply_one(database: Database, group_number: int, bucket: int, intent_id: str) -> None:
    """Apply one intent."""
    global _shop
    if _shop is None:
        installation = await load_installation(database)
        _shop = Workshop(
            database,
            installation,
            NoCopies(),
            Catalogue(database),
            Configurations(database),
            Reputation(),
        )
    await apply_batch(_shop, Piece(group_number, bucket), 1, only=UUID(intent_id))
