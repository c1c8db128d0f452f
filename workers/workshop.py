"""What a worker works with."""

from msgspec import Struct

from models.catalogue import Catalogue
from models.db import Database
from models.settings import Installation
from models.status import SnapshotCopies


class Workshop(Struct, frozen=True):
    """One per worker process."""

    database: Database
    installation: Installation
    copies: SnapshotCopies
    catalogue: Catalogue
