"""What a worker works with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from engine.core.piece import Piece
from models.base.db import Database
from models.content.catalogue import Catalogue
from models.fraud.reputation import Places, Reputation
from models.installation.configuration import Configurations
from models.installation.settings import Installation
from models.mining.snapshots import SnapshotCopies
from runtime.broker.bells import Bells
from workers.alerting.contract import Channels
from workers.push.contract import Sender
from workers.videos.contract import VideoProvider


class Workshop(Struct, frozen=True):
    """One per worker process."""

    database: Database
    installation: Installation
    copies: SnapshotCopies
    catalogue: Catalogue
    configurations: Configurations
    reputation: Reputation
    places: Places = Places()
    ip_lists: Mapping[str, str] = {}
    providers: Sequence[VideoProvider] = ()
    sender: Sender | None = None
    archive: Path | None = None  # where old logs go as files
    channels: Channels = Channels()
    bells: Bells | None = None  # of whoever is told by somebody else's batch; the relay rings too

    async def ring(self, pieces: Sequence[Piece]) -> None:
        """Ask workers to see to what was just recorded for these pieces."""
        if self.bells is not None:
            await self.bells.ring(*pieces)
