"""Addresses, and the networks of proxies that are believed."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network


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
