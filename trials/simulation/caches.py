"""What processes read anew every half minute or minute, by real seconds: here once in a life.

In a seed none of it changes, and how fast a seed is lived must change nothing.
"""

from engine.admin.configuration import Configuration
from engine.content.library import Library
from engine.core.versions import Version
from models.base.db import Connection, Database
from models.content.catalogue import Catalogue
from models.fraud.reputation import Reputation
from models.installation.configuration import Configurations, load_versions


class SteadyCatalogue(Catalogue):
    """Its library is given; days are opened as ever."""

    def __init__(self, database: Database, library: Library) -> None:
        super().__init__(database)
        self._library = library

    async def library(self) -> Library:
        """As it was given."""
        return self._library


class SteadyConfigurations(Configurations):
    """Read when they are needed first."""

    async def versions(self, connection: Connection) -> tuple[Version[Configuration], ...]:
        """All versions by number."""
        if not self._versions:
            self._versions = await load_versions(connection)
        return self._versions


class SteadyReputation(Reputation):
    """Read when it is needed first."""

    _is_read = False

    async def read_anew(self, connection: Connection) -> None:
        """Only the first time."""
        if not self._is_read:
            await super().read_anew(connection)
            self._is_read = True
