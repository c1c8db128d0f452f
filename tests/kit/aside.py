"""Coroutines from where this thread has another loop, or none."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def aside(work: Coroutine[Any, Any, T]) -> T:
    """Do it in a thread and a loop of its own, and wait for it."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(asyncio.run, work).result()
