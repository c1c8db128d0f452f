"""`twtc reseal`: rotate the key of personal data (decision 0026)."""

import asyncio
import os
import sys

import models.tables  # noqa: F401 - so that all that is sealed is known
from models.accounts.sealing import seal_all
from models.base.db import DATABASE_ERRORS, open_database
from ops.running import with_addresses
from runtime.clock import utcnow
from runtime.environment import Config, ConfigError, load_config
from runtime.pii import UnreadableError


def reseal() -> int:
    """Seal everything that lies in the clear or under a former key. Return the exit status."""
    try:
        config = load_config(with_addresses(os.environ))
        if not config.keyring.secrets:
            raise ConfigError("set TWTC_PII_KEYS, the new key first, and TWTC_INDEX_KEY")
        count = asyncio.run(_reseal(config))
    except (ConfigError, UnreadableError, *DATABASE_ERRORS) as error:
        print(f"reseal: {error}", file=sys.stderr)
        return 2
    print(f"{count} texts were sealed under key {config.keyring.current_id}")
    return 0


async def _reseal(config: Config) -> int:
    database = open_database(config.database_url, pool_size=1, application_name="twtc-reseal")
    try:
        return await seal_all(database, config.keyring, utcnow(), again=True)
    finally:
        await database.dispose()
