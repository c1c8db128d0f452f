"""Where tables lie on a cluster: migrations and the later adoption agree, in an order that works.

Citus itself is not here: its functions are played by ones that note the call and refuse an order
that it refuses. `tests/database/test_citus.py` asks a real one, where there is one.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from models.base.db import Database, connected, open_database, rows, run, sql
from models.base.partitions import archive_partitions, prepare_partitions
from models.base.shards import split
from models.migrations import helpers
from models.schema import adoption, citus
from models.schema import migrate as migrating
from models.schema.migrate import migrate
from models.tables import metadata
from ops.commands import release
from ops.commands.distribute import distribute
from runtime.environment import Config
from runtime.pii import UnreadableError
from tests.kit.databases import empty_database
from tests.kit.words import START

# A table may refer to copied ones, and to spread ones beside it.
COUNTERPART = (
    """CREATE TABLE pg_dist_partition (logicalrelid regclass, place text,
                                        n int GENERATED ALWAYS AS IDENTITY)""",
    """CREATE FUNCTION lay(t regclass, place text) RETURNS void LANGUAGE plpgsql AS $$
       BEGIN
           IF current_setting('citus.enable_local_reference_table_foreign_keys', true)
              IS DISTINCT FROM 'off'
           THEN RAISE EXCEPTION 'keys of % to tables of both kinds are refused', t;
           END IF;
           IF EXISTS (SELECT FROM pg_constraint k
                      LEFT JOIN pg_dist_partition p ON p.logicalrelid = k.confrelid
                      WHERE k.conrelid = t AND k.contype = 'f' AND p.logicalrelid IS NULL
                        AND k.confrelid <> t)
              OR EXISTS (SELECT FROM pg_constraint k
                         WHERE k.confrelid = t AND k.contype = 'f' AND k.conrelid <> t)
           THEN RAISE EXCEPTION '% is laid in the wrong order', t;
           END IF;
           IF EXISTS (SELECT FROM pg_inherits WHERE inhparent = t
                      AND CAST(CAST(inhrelid AS regclass) AS text) <> t || '_default')
           THEN RAISE EXCEPTION 'keys of partitions of % are named by its shards', t;
           END IF;
           INSERT INTO pg_dist_partition (logicalrelid, place) VALUES (t, lay.place);
       END $$""",
    """CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void
       LANGUAGE sql AS $$ SELECT lay(table_name, 'copied') $$""",
    """CREATE FUNCTION create_distributed_table(
           table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
           colocate_with text DEFAULT 'default') RETURNS void
       LANGUAGE sql AS $$ SELECT lay(table_name, distribution_column || ' ' || colocate_with) $$""",
)
LAID = sql("SELECT CAST(logicalrelid AS text) AS name, place FROM pg_dist_partition ORDER BY n")


@pytest.fixture
async def cluster(worker_id: str) -> AsyncIterator[Database]:
    """An empty database with the counterpart of Citus's functions."""
    async with empty_database(f"twtc_cluster_{worker_id}") as url:
        database = open_database(url, pool_size=1, application_name="test")
        async with connected(database) as connection:
            for statement in COUNTERPART:
                await run(connection, sql(statement))
        yield database
        await database.dispose()


async def laid(database: Database) -> dict[str, str]:
    async with connected(database) as connection:
        return {row.name: row.place for row in await rows(connection, LAID)}


def planned() -> dict[str, str]:
    return {
        place.table: "copied" if place.column is None else f"{place.column} {place.beside}"
        for place in citus.places()
    }


async def test_migrations_and_adoption_lay_every_table_in_the_same_place(
    cluster: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(planned()) == set(metadata.tables)
    with monkeypatch.context() as patch:
        patch.setattr(helpers, "has_ground", lambda connection: True)
        await migrate(cluster.url)
    assert await laid(cluster) == planned()

    before = await _foreign_keys(cluster)
    async with connected(cluster) as connection:
        await run(connection, sql("DELETE FROM pg_dist_partition"))
    _play_cluster(monkeypatch)
    assert await adoption.adopt(cluster.url) == list(planned())
    assert await laid(cluster) == planned()
    assert await _foreign_keys(cluster) == before
    assert await adoption.adopt(cluster.url) == []


async def test_partitions_are_spread_with_keys_of_their_own(
    cluster: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(cluster.url)
    made = await prepare_partitions(cluster, START.date())
    later = START.date() + timedelta(days=30)
    archived = await archive_partitions(cluster, later)
    made_later = await prepare_partitions(cluster, later)
    before = await _foreign_keys(cluster)
    _play_cluster(monkeypatch)
    await adoption.adopt(cluster.url)
    assert await _foreign_keys(cluster) == before
    spread = set(await laid(cluster)) - set(planned())
    assert spread == {*made, *made_later} - {*archived} | {f"archive.{name}" for name in archived}
    assert await archive_partitions(cluster, later + timedelta(days=30))


async def test_what_grew_up_on_one_server_is_released_before_it_is_spread(
    cluster: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(cluster.url)
    _play_cluster(monkeypatch)
    monkeypatch.setattr(migrating, "HAS_CITUS", "SELECT 1")
    monkeypatch.setattr(migrating, "lay_ground", lambda connection: pytest.fail("laid"))
    await migrate(cluster.url)
    monkeypatch.setattr(cluster, "is_cluster", True)
    assert await prepare_partitions(cluster, START.date())
    assert await laid(cluster) == {}


def _play_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adoption, "HAS_CITUS", "SELECT 1")
    monkeypatch.setattr(adoption, "lay_ground", lambda connection: None)


async def _foreign_keys(database: Database) -> list[tuple[str, str]]:
    listed = """SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
                WHERE contype = 'f' AND CAST(CAST(conrelid AS regclass) AS text) !~ '_default$'
                ORDER BY 1"""
    async with connected(database) as connection:
        return [(row.name, row.definition) for row in await rows(connection, sql(listed))]


def test_one_server_is_no_cluster(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert distribute() == 2
    assert "no extension citus" in capsys.readouterr().err


def test_every_shard_has_two_buckets_and_every_node_as_many_shards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.base.shards.SHARDS", 32)  # a suite on a cluster lays fewer
    hashes = sorted(number * 977 % 4096 - 2048 for number in range(64))
    points, nodes = split(hashes, [4, 7, 9])
    assert [hashes.index(int(point)) for point in points] == list(range(1, 62, 2))
    assert nodes[:4] == [4, 7, 9, 4]
    assert {nodes.count(node) for node in (4, 7, 9)} <= {10, 11}


REFUSED = asyncpg.FeatureNotSupportedError("this is not supported\nDETAIL: nor is that")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (DBAPIError("CREATE", {}, REFUSED), 1, "PostgreSQL refused: this is not supported"),
        (UnreadableError("no key opens this email"), 2, "no key opens this email"),
    ],
)
def test_a_release_that_is_refused_says_why_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    config: Config,
    error: Exception,
    status: int,
    said: str,
) -> None:
    async def refused(url: str) -> None:
        raise error

    settings = {
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
        "TWTC_SECRET": config.secret.decode(),
        "TWTC_HOUSE_SECRET": config.house_secrets[0].decode(),
        "TWTC_PII_KEYS": config.keyring.secrets[0].decode(),
        "TWTC_INDEX_KEY": config.keyring.index_secret.decode(),
    }
    with monkeypatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        patch.setattr(release, "migrate", refused)
        assert release.release() == status
    assert capsys.readouterr().err == f"release: {said}\n"
