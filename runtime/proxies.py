"""Addresses, and the networks of proxies that are believed."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

HOP_LENGTH_MAX = 80


class Proxies:
    """Networks by name, separated by commas. Raise ValueError if one is none."""

    def __init__(self, names: str = "") -> None:
        self._networks = [ip_network(part.strip()) for part in names.split(",") if part.strip()]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address; an IPv4 one in IPv6 form is the IPv4 one. None for anything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


# As proxies write it: 192.0.2.1:443, [2001:db8::7]:443, "[2001:db8::7]"; or without port and
# brackets. An IPv6 address outside brackets has no port.
_HOP = re.compile(
    r"""(?:(?P<v4>[0-9.]+)(?::[0-9]{1,5})?|\[(?P<v6>[^\]]+)\](?::[0-9]{1,5})?)""", re.ASCII
)


def parse_hop(text: str) -> IPv4Address | IPv6Address | None:
    """An element of X-Forwarded-For, without port, brackets, quotes and zone; or None."""
    text = text.strip()
    if len(text) > HOP_LENGTH_MAX:
        return None
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    framed = _HOP.fullmatch(text)
    bare = (framed["v4"] or framed["v6"]) if framed else text
    return parse_address(bare.partition("%")[0])
