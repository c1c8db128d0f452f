"""`twtc distribute`: spread a database that grew up on one server over a Citus cluster."""

import asyncio
import os
import sys

from sqlalchemy.exc import SQLAlchemyError

from models.schema.adoption import NoClusterError, adopt
from runtime.environment import ConfigError, postgresql_url


def distribute() -> int:
    """Spread what is not spread yet. Return the exit status: 0, or 2 if it cannot be done."""
    try:
        spread = asyncio.run(adopt(postgresql_url(os.environ.get("DATABASE_URL", ""))))
    except (ConfigError, NoClusterError, SQLAlchemyError, OSError) as error:
        print(f"distribute: {error}", file=sys.stderr)
        return 2
    print(f"spread {len(spread)} tables" if spread else "every table is spread already")
    return 0
