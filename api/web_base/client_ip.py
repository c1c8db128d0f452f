"""Whose address a request came from, behind proxies that are known, and only those."""

import logging
import time
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_network

from litestar.types import Scope

from runtime.proxies import Proxies, parse_address, parse_hop

log = logging.getLogger(__name__)

# More proxies than anybody has in a row: what a client wrote before them is not even split.
HOPS_MAX = 16
# What cannot be read is a proxy's setting: each request would say the same again.
UNREAD_SECONDS = 60.0
_unread_until = 0.0

# By prefix, what is limited as one, and how many times the quota it has: an IPv4 address and its
# neighbours; the /64 that every IPv6 customer has, and the /56 and /48 that some have.
_SIZES = {4: ((32, 1), (24, 16)), 6: ((64, 1), (56, 4), (48, 16))}


def client_ip(scope: Scope, proxies: Proxies) -> str | None:
    """The address of who asked.

    X-Forwarded-For is read from its end, and only as far as trusted proxies wrote it: whatever a
    client claims in it stands before the address that the first of them saw. Where it cannot be
    read, it is the address of the proxy that wrote it: the last one that is certain.
    """
    client = scope["client"]
    if client is None:
        return None
    if not proxies:
        return client[0]
    seen = parse_address(client[0])
    if seen is None:
        return client[0]
    for hop in _hops(scope):
        if seen not in proxies:
            break
        before = parse_hop(hop)
        if before is None:
            _note_unread()
            break
        seen = before
    return str(seen)


def _hops(scope: Scope) -> Iterator[str]:
    """The last hops, the last first. Several headers are one list; its empty elements count for
    nothing (RFC 9110, 5.3 and 5.6.1)."""
    left = HOPS_MAX
    for name, value in reversed([*scope["headers"]]):
        if name == b"x-forwarded-for":
            parts = value.decode("latin-1").rsplit(",", left)
            # What is left over, if it was split to the limit, is no hop but all the others.
            hops = parts[1:] if len(parts) > left else parts
            for hop in reversed(hops):
                if hop.strip():
                    left -= 1
                    yield hop
            if len(parts) > len(hops) or left <= 0:
                return


def _note_unread() -> None:
    global _unread_until
    if time.monotonic() >= _unread_until:
        _unread_until = time.monotonic() + UNREAD_SECONDS
        log.warning("X-Forwarded-For cannot be read: its clients count as one, their proxy")


@lru_cache(4096)
def networks_of(address: str | None) -> tuple[tuple[str, int], ...]:
    """What an address is limited with, the narrowest first, and how many times the quota."""
    parsed = parse_address(address or "")
    if parsed is None:
        return ((address or "unknown", 1),)
    return tuple(
        (str(ip_network((parsed, prefix), strict=False)), factor)
        for prefix, factor in _SIZES[parsed.version]
    )
