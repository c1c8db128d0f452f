"""Transactions that are begun again while others hold what they need."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from models.base.db import DATABASE_ERRORS, Database, Statement, is_retryable, run, transaction

ATTEMPTS_MAX = 10
PAUSE_SECONDS = 0.5

_Result = TypeVar("_Result")


async def patiently(
    database: Database,
    step: Callable[..., Awaitable[_Result]],
    *args: object,
    opening: Statement | None = None,
) -> _Result:
    """Run a step in a transaction, several times if it fails in a way that passes.

    `opening` is a setting for the transaction alone.
    """
    for attempt in range(ATTEMPTS_MAX):
        try:
            async with transaction(database) as connection:
                if opening is not None:
                    await run(connection, opening)
                return await step(connection, *args)
        except DATABASE_ERRORS as error:
            if not is_retryable(error) or attempt == ATTEMPTS_MAX - 1:
                raise
        await asyncio.sleep(PAUSE_SECONDS)
    raise AssertionError("unreachable")
