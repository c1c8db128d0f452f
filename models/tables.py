"""The tables (blueprint, "Entities"; decision 0009). Their constraints carry half the design.

Each domain describes its own, in modules named `tables` or `…_tables`: this makes `metadata` know
them all. Every user-owned table has `bucket` (user id modulo 64) first in its primary key. Amounts
are bigint micro-TWTC; instants are timestamptz written by us, never by the server's clock.
"""

from importlib import import_module
from pkgutil import walk_packages

import models
from models.base.columns import metadata

__all__ = ["metadata"]

for found in walk_packages(models.__path__, "models."):
    if found.name.endswith((".tables", "_tables")) and found.name != __name__:
        import_module(found.name)
metadata.info["is_whole"] = True
