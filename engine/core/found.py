"""What a domain has for the whole is found by its name, not listed."""

from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from typing import Any


def found_in(layer: str, domains: Iterable[str], module: str | None, name: str) -> Iterator[Any]:
    """What the domains' modules of a layer have under a name, in the order of the domains."""
    for found in modules_in(layer, domains, module):
        if hasattr(found, name):
            yield getattr(found, name)


def modules_in(layer: str, domains: Iterable[str], module: str | None) -> Iterator[Any]:
    """The modules of this name that the domains have in a layer; or their own, if None."""
    for domain in domains:
        path = f"{layer}.{domain}.{module}" if module else f"{layer}.{domain}"
        if find_spec(path):
            yield import_module(path)


def gathered(lists: Iterable[Iterable[Any]]) -> tuple[Any, ...]:
    """Everything of several lists, in their order."""
    return tuple(chain.from_iterable(lists))


def merged(tables: Iterable[dict[Any, Any]]) -> dict[Any, Any]:
    """One table of several. Raise ValueError for a key that two of them have."""
    whole: dict[Any, Any] = {}
    for table in tables:
        if both := whole.keys() & table.keys():
            raise ValueError(f"two domains have {both}")
        whole |= table
    return whole
