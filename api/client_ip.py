"""Whose address a request came from, behind proxies that are known, and only those."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_network

from litestar.types import Scope

from models.proxies import Proxies, parse_address

_IPV6_CUSTOMER = 64


def client_ip(scope: Scope, proxies: Proxies) -> str | None:
    """The address of who asked.

    X-Forwarded-For is read from its end, and only as far as trusted proxies wrote it: whatever a
    client claims in it stands before the address that the first of them saw.
    """
    client = scope["client"]
    if client is None:
        return None
    if not proxies:
        return client[0]
    seen = parse_address(client[0])
    if seen is None:
        return client[0]
    hops = [
        hop.strip()
        for name, value in scope["headers"]
        if name == b"x-forwarded-for"
        for hop in value.decode("latin-1").split(",")
    ]
    while hops and seen in proxies:
        before = parse_address(hops.pop())
        if before is None:
            break
        seen = before
    return str(seen)


@lru_cache(4096)
def network_of(address: str) -> str:
    """What is limited as one: an IPv4 address, or the /64 that an IPv6 customer has whole."""
    parsed = parse_address(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, _IPV6_CUSTOMER), strict=False))
    return address
