"""`twtc audit`: check every invariant; exit status 1 if one is broken."""

import asyncio
import os
import sys

from engine.operations.actions import Violation
from models.base.db import DATABASE_ERRORS, open_database
from models.domains import GLOBAL, INVARIANTS
from models.operations import invariants
from ops.running import with_addresses
from runtime.clock import utcnow
from runtime.environment import ConfigError, load_config


def audit() -> int:
    """Print the verdict. Return 0 if the books are right, 1 if not, 2 if it cannot be told."""
    try:
        config = load_config(with_addresses(os.environ))
        violations, overdue = asyncio.run(_check(config.database_url))
    except (ConfigError, *DATABASE_ERRORS) as error:
        print(f"audit: {error}", file=sys.stderr)
        return 2
    for name in (*INVARIANTS, *GLOBAL):
        broken = next((v for v in violations if v.invariant == name), None)
        print(f"{'BROKEN' if broken else 'ok':>6}  {name}")
        for example in broken.examples if broken else []:
            print(f"        {example}")
    for late in overdue:
        print(f"  late  {late.invariant}: {late.row_count} are not, for example {late.examples[0]}")
    print("clean" if not violations else f"{len(violations)} invariants are broken")
    return 1 if violations else 0


async def _check(url: str) -> tuple[list[Violation], list[Violation]]:
    database = open_database(
        url, pool_size=1, application_name="twtc-audit", statement_timeout_ms=0
    )
    try:
        now = utcnow()
        broken = await invariants.audit(database) + await invariants.audit_globally(database, now)
        return broken, await invariants.find_overdue(database, now)
    finally:
        await database.dispose()
