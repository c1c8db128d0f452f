"""Every statement of models/, read from its source."""

import importlib
import pkgutil
import re
from functools import cache

import models
from models.base.db import Statement
from models.base.pruning import Old
from models.tables import metadata

PIECED = {name for name, table in metadata.tables.items() if "bucket" in table.columns}
VOLATILE = re.compile(
    r"(?i)\b(now|random|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday"
    r"|gen_random_uuid|uuidv7)\(|\b(CURRENT_(TIMESTAMP|DATE|TIME)|LOCALTIME(STAMP)?)\b"
)
CHANGES = re.compile(r"(?i)\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_]+)")


@cache
def statements() -> dict[str, Statement]:
    """Those that the modules keep, by module and name."""
    named: dict[str, Statement] = {}
    for found in pkgutil.walk_packages(models.__path__, "models."):
        if "migrations" in found.name:
            continue
        for name, value in vars(importlib.import_module(found.name)).items():
            entries = value if isinstance(value, dict) else {"": value}
            if isinstance(value, Old):
                entries = {"find": value.find, "delete": value.delete}
            for key, entry in entries.items():
                if isinstance(entry, Statement):
                    label = f"{found.name}.{name}" + (f"[{key}]" if key else "")
                    named[label.removeprefix("models.")] = entry
    return named


def tables_of(statement: Statement) -> set[str]:
    """The tables that a statement names."""
    return set(re.findall(r"(?i)\b(?:FROM|JOIN|INTO|UPDATE)\s+([a-z_]+)", statement.source))
