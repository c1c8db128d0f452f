"""What every transaction is bounded by."""

import pytest

from models.config import Config
from models.db import Database, connected, open_database, rows, run, snapshot, sql, transaction


@pytest.mark.parametrize(("is_cluster", "source"), [(False, "client"), (True, "session")])
async def test_a_transaction_waits_for_locks_for_a_while_only(
    config: Config, database: Database, is_cluster: bool, source: str
) -> None:
    """A cluster passes on only what is local to a transaction, with its own setting at `local`."""
    limits = sql("SELECT setting, source FROM pg_settings WHERE name = 'lock_timeout'")
    shown = sql("SELECT current_setting('citus.propagate_set_commands') AS passes_on")
    if is_cluster:  # known by its own tables
        async with connected(database) as connection:
            await run(connection, sql("CREATE TABLE pg_dist_node ()"))
    pool = open_database(config.database_url, pool_size=1, application_name="test")
    for opened in (transaction, snapshot):
        async with opened(pool) as connection:
            [limit] = await rows(connection, limits)
            assert (limit.setting, limit.source) == ("5000", source)
            assert (await rows(connection, shown))[0].passes_on == "local"
    await pool.dispose()
