"""What a function calls, by its source: for rules that hold for every route."""

from collections.abc import Collection
from types import FunctionType


def reaches(function: object, wanted: Collection[object]) -> bool:
    """Whether a handler calls one of these, by way of functions of the API or by itself."""
    return _reaches(function, wanted, set())


def _reaches(function: object, wanted: Collection[object], seen: set[object]) -> bool:
    if function in wanted:
        return True
    if not isinstance(function, FunctionType) or not function.__module__.startswith("api"):
        return False
    seen.add(function)
    called = [function.__globals__.get(name) for name in function.__code__.co_names]
    return any(
        _reaches(other, wanted, seen)
        for other in called
        if isinstance(other, FunctionType) and other not in seen
    )
