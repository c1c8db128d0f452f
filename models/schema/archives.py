"""Logs older than six months, as compressed files without addresses and devices (decision 0025).

Written from the schema `archive`, where their partitions were moved whole. A file's name has the
digest of its rows: written twice it is the same file, and rows that came late make another one.
"""

import asyncio
import gzip
import os
import re
from datetime import date
from hashlib import sha256
from pathlib import Path

from models.base.columns import Partitioned, partitioned_tables
from models.base.db import Database, run, snapshot, sql, transaction
from models.base.partitions import archived_names, is_too_old
from models.tables import metadata

PERSONAL = frozenset({"ip_address", "user_agent", "device_fingerprint"})


async def write_archives(database: Database, folder: Path) -> list[str]:
    """Turn the archived months of logs into files, and drop their tables. Return the files."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    written = []
    for kind in partitioned_tables():
        if not kind.is_daily:
            for name in await archived_names(database, kind):
                written.append(await _write(database, folder, kind, name))
                async with transaction(database) as connection:
                    await run(connection, sql(f"DROP TABLE archive.{name}"))
    return written


def drop_files(folder: Path, today: date) -> list[str]:
    """Delete files whose month began two years ago or earlier. Return their names."""
    dropped = []
    for kind in partitioned_tables():
        for path in sorted(folder.glob(f"{kind.table}_*.csv.gz")):
            name = path.name.partition("-")[0]
            if re.match(kind.pattern, name) and is_too_old(kind.start_of(name), today):
                path.unlink(missing_ok=True)
                dropped.append(path.name)
    return dropped


async def _write(database: Database, folder: Path, kind: Partitioned, name: str) -> str:
    """Write a month, whole or not at all. Return the file's name."""
    columns = [c.name for c in metadata.tables[kind.table].columns if c.name not in PERSONAL]
    query = f"SELECT {', '.join(columns)} FROM archive.{name} ORDER BY bucket, created_at, id"
    unfinished = folder / f"{name}.part"
    digest = sha256()
    with unfinished.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:

        async def keep(chunk: bytes) -> None:
            digest.update(chunk)
            await asyncio.to_thread(packed.write, chunk)

        async with snapshot(database) as connection:
            await connection.copy_from_query(query, output=keep, format="csv", header=True)
        packed.close()
        raw.flush()
        os.fsync(raw.fileno())
    path = folder / f"{name}-{digest.hexdigest()[:16]}.csv.gz"
    unfinished.replace(path)
    return path.name
