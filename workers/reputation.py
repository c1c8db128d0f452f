"""Fetching the lists of addresses, once a day."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import httpx

from models.base.db import Database
from models.fraud.reputation import store_list
from runtime.http_client import open_http

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 30.0
LIST_BYTES_MAX = 20_000_000


async def refresh_lists(
    database: Database, sources: Mapping[str, str], now: datetime
) -> dict[str, int]:
    """Replace every list that could be fetched whole; the others stay as they are.

    Return the lengths of the new ones.
    """
    lengths = {}
    async with open_http(TIMEOUT_SECONDS, follow_redirects=True) as http:
        for kind, source in sources.items():
            try:
                text = await _fetch(http, source)
                lengths[kind] = await store_list(database, kind, text, source, now)
            except (httpx.HTTPError, OSError, ValueError) as error:
                log.error("the list %s stays as it was: %s: %s", kind, type(error).__name__, error)
    return lengths


async def _fetch(http: httpx.AsyncClient, source: str) -> str:
    """The text of an address or a file. Raise ValueError for one beyond all measure."""
    if source.startswith("/"):
        return await asyncio.to_thread(Path(source).read_text)
    chunks, size = [], 0
    async with http.stream("GET", source) as answer:
        answer.raise_for_status()
        async for chunk in answer.aiter_bytes():
            size += len(chunk)
            if size > LIST_BYTES_MAX:
                raise ValueError(f"longer than {LIST_BYTES_MAX:,} bytes")
            chunks.append(chunk)
    return b"".join(chunks).decode()
