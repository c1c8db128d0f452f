"""Addresses with a reputation, and where addresses are.

The lists are rows, fetched by one worker and read by all; a process swaps them whole. The database
of places is the operator's file, read in place.
"""

import logging
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from pathlib import Path
from time import monotonic

import maxminddb

from engine.fraud.places import Place
from models.base.db import Connection, Database, rows, run, sql, transaction
from runtime.proxies import parse_address

log = logging.getLogger(__name__)

READ_ANEW_SECONDS = 60
# An address on several lists stands on the worst.
KINDS = ("BANNED", "TOR", "VPN", "DATACENTRE")

# A handful of rows.
FETCHED = sql("SELECT kind, fetched_at FROM ip_lists")
LISTS = sql("SELECT kind, networks FROM ip_lists")
STORE_LIST = sql("""
    INSERT INTO ip_lists (kind, networks, source, fetched_at)
    VALUES (:kind, :networks, :source, :now)
    ON CONFLICT (kind) DO UPDATE SET networks = excluded.networks, source = excluded.source,
                                     fetched_at = excluded.fetched_at
""")


class AddressList:
    """Networks of both families as sorted ranges: looked up by bisection."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        found = list(networks)
        four = [n for n in found if isinstance(n, IPv4Network)]
        six = [n for n in found if isinstance(n, IPv6Network)]
        self._ranges = {4: _ranges(collapse_addresses(four)), 6: _ranges(collapse_addresses(six))}

    def __contains__(self, address: str) -> bool:
        parsed = parse_address(address)
        if parsed is None:
            return False
        firsts, lasts = self._ranges[parsed.version]
        place = bisect_right(firsts, int(parsed)) - 1
        return place >= 0 and int(parsed) <= lasts[place]


def _ranges(networks: Iterable[IPv4Network | IPv6Network]) -> tuple[list[int], list[int]]:
    found = list(networks)
    return (
        [int(network.network_address) for network in found],
        [int(network.broadcast_address) for network in found],
    )


def parse_list(text: str) -> list[IPv4Network | IPv6Network]:
    """Addresses and networks, one a line; what follows # or ; is a comment. Raise ValueError."""
    lines = (line.split("#")[0].split(";")[0].strip() for line in text.splitlines())
    return [ip_network(line, strict=False) for line in lines if line]


class Reputation:
    """The lists as one process holds them."""

    def __init__(self) -> None:
        self._lists: Mapping[str, AddressList] = {}
        self._fetched: Mapping[str, datetime] = {}
        self._until = 0.0

    def find(self, ip: str) -> str | None:
        """The worst list that an address stands on."""
        return next((kind for kind, listed in self._lists.items() if ip in listed), None)

    async def read_anew(self, connection: Connection) -> None:
        """Read the lists if they have changed; the old ones serve until the new ones are whole."""
        if monotonic() < self._until:
            return
        self._until = monotonic() + READ_ANEW_SECONDS
        fetched = {row.kind: row.fetched_at for row in await rows(connection, FETCHED)}
        if fetched == self._fetched:
            return
        found = {row.kind: row.networks for row in await rows(connection, LISTS)}
        self._lists = {k: AddressList(parse_list(found[k])) for k in KINDS if k in found}
        self._fetched = fetched

    def forget(self) -> None:
        """Look for new lists when they are needed next."""
        self._until = 0.0


async def store_list(database: Database, kind: str, text: str, source: str, now: datetime) -> int:
    """Replace a list. Return its length. Raise ValueError for one that is empty or malformed."""
    networks = parse_list(text)
    if not networks:
        raise ValueError("the list is empty")
    lines = "\n".join(map(str, networks))
    async with transaction(database) as connection:
        params = {"kind": kind, "networks": lines, "source": source, "now": now}
        await run(connection, STORE_LIST, params)
    return len(networks)


class Places:
    """Where addresses are, by a MaxMind or DB-IP database; without a file, nowhere.

    A file that is replaced is opened anew within a minute. The old reader is left to its last user.
    """

    def __init__(self, path: str = "") -> None:
        self._path = Path(path) if path else None
        self._reader: maxminddb.Reader | None = None
        self._stamp = 0
        self._until = 0.0

    def find(self, ip: str) -> Place | None:
        """The place of an address, or None."""
        reader = self._current()
        if reader is None or parse_address(ip) is None:
            return None
        found = reader.get(ip)
        location = found.get("location") if isinstance(found, dict) else None
        if not isinstance(location, dict):
            return None
        latitude, longitude = location.get("latitude"), location.get("longitude")
        if isinstance(latitude, float) and isinstance(longitude, float):
            return Place(latitude, longitude)
        return None

    def _current(self) -> maxminddb.Reader | None:
        if self._path is None or monotonic() < self._until:
            return self._reader
        self._until = monotonic() + READ_ANEW_SECONDS
        try:
            stamp = self._path.stat().st_mtime_ns
            if stamp != self._stamp:
                self._reader = maxminddb.open_database(self._path)
                self._stamp = stamp
        except (OSError, maxminddb.InvalidDatabaseError) as error:
            log.error("the database of places cannot be read: %s", error)
        return self._reader
