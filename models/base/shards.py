"""Where buckets lie on a cluster: two in each of 32 shards, so that none is empty or twice as full.

A cluster spreads by a hash, which leaves two of 32 shards without any of 64 values and puts five
into another. So one table is laid whole and split between the hashes; all others lie beside it.
"""

from sqlalchemy import Connection, text

from engine.core.timeline import BUCKET_COUNT

GROUND = "bucket_places"
SHARDS = 32

_HAS_NODES = "SELECT to_regclass('pg_dist_partition') IS NOT NULL"
_IS_LAID = f"SELECT true FROM pg_dist_partition WHERE logicalrelid = to_regclass('{GROUND}')"
# A dump of another cluster brings it along, without its place.
_MAKE = f"CREATE TABLE IF NOT EXISTS {GROUND} (bucket smallint PRIMARY KEY)"
_LAY = f"""
    SELECT create_distributed_table('{GROUND}', 'bucket', colocate_with => 'none', shard_count => 1)
"""
_SHARDS = f"SELECT shardid FROM pg_dist_shard WHERE logicalrelid = CAST('{GROUND}' AS regclass)"
_HASHES = """
    SELECT worker_hash(CAST(b AS smallint)) AS hash
    FROM generate_series(0, :last) AS b (b) ORDER BY hash
"""
_NODES = """
    SELECT nodeid FROM pg_dist_node
    WHERE noderole = 'primary' AND isactive AND shouldhaveshards ORDER BY nodeid
"""
_SPLIT = """
    SELECT citus_split_shard_by_split_points(
        :shard, CAST(:points AS text[]), CAST(:nodes AS integer[]), 'block_writes')
"""


def has_ground(connection: Connection) -> bool:
    """Whether users' tables can be laid: this is a cluster, and their ground is there."""
    return bool(connection.scalar(text(_HAS_NODES)) and connection.scalar(text(_IS_LAID)))


def lay_ground(connection: Connection) -> None:
    """Make the table beside which all users' tables are laid, if it is not there yet.

    In transactions of its own: a shard is not split in the one that made it. What an interrupted
    run left whole is split by the next one.
    """
    if not has_ground(connection):
        connection.execute(text(_MAKE))
        connection.execute(text(_LAY))
        connection.commit()
    shards = list(connection.scalars(text(_SHARDS)))
    if len(shards) == 1:
        hashes = list(connection.scalars(text(_HASHES), {"last": BUCKET_COUNT - 1}))
        nodes = list(connection.scalars(text(_NODES)))
        points, placed = split(hashes, nodes)
        params = {"shard": shards[0], "points": points, "nodes": placed}
        connection.execute(text(_SPLIT), params)
    connection.commit()


def split(hashes: list[int], nodes: list[int]) -> tuple[list[str], list[int]]:
    """The last hash of each shard but the last one, and the node of each: in turns."""
    in_each = len(hashes) // SHARDS
    points = [str(last) for last in hashes[in_each - 1 : -1 : in_each]]
    return points, [nodes[number % len(nodes)] for number in range(SHARDS)]
