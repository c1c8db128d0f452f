"""The product as many tests use it, one after the other: processes on a database of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from models.base.db import Database, connected, run, sql
from tests.browser.timing import TIMING
from tests.kit import cluster
from tests.kit.configs import config_on, emptied
from tests.kit.databases import cloned, on_database
from tests.kit.films import show_only_petra
from tests.kit.processes import Processes, running

PARTS = ("web", "worker", "clock", "partner")
# On a cluster there is one database for all tests, which each of them begins with.
SHARED: Literal["function", "package"] = "function" if cluster.URL else "package"
SHOW_PARIS = sql("""
    UPDATE videos SET is_active = true, inactive_because = NULL, duration_seconds = 4
    WHERE title LIKE 'Paris%Expedia'
""")


@contextmanager
def settled(
    name: str, template: str, redis_urls: tuple[str, str], folder: Path, media: str = ""
) -> Iterator[Processes]:
    """What runs, with a short cycle. With an address of our own videos, there are two to watch."""
    with cloned(name, template) as url:
        if media:
            on_database(url, show_two_videos)
        more = {"TWTC_OWN_VIDEOS_URL": media} if media else {}
        config = config_on(url, emptied(redis_urls), folder)
        with running(Processes(config, TIMING, more), *PARTS) as begun:
            yield begun


async def show_two_videos(database: Database) -> None:
    """A short film of our own, and one for which YouTube is needed."""
    async with connected(database) as connection:
        await show_only_petra(connection)
        assert await run(connection, SHOW_PARIS) == 1
