"""What the domains have for the whole, found in their modules of fixed names.

A new domain has its line here. The order is the one in which members' parts are loaded and stored.
"""

from engine.core.found import found_in, gathered, merged
from models.base.db import Statement
from models.base.pruning import Prune
from models.intents.batch import Keep

# Sessions before the ads that they await, ads before the tasks that they are shown for.
DOMAINS = (
    "intents",
    "inbox",
    "accounts",
    "contacts",
    "content",
    "admin",
    "ledger",
    "mining",
    "ads",
    "boosts",
    "tasks",
    "fraud",
)

KEEPS: tuple[Keep, ...] = gathered(found_in("models", DOMAINS, "keep", "KEEPS"))

# What is asked of the books (models/base/invariants.py).
INVARIANTS: dict[str, str] = merged(found_in("models", DOMAINS, "invariants", "INVARIANTS"))
OVERDUE: dict[str, str] = merged(found_in("models", DOMAINS, "invariants", "OVERDUE"))
GLOBAL: dict[str, str] = merged(found_in("models", DOMAINS, "invariants", "GLOBAL"))

# What is forgotten every night (models/base/pruning.py), what is counted of a day.
PRUNES: tuple[Prune, ...] = gathered(found_in("models", DOMAINS, "prune", "PRUNES"))
FACTS: dict[str, Statement] = merged(found_in("models", DOMAINS, "facts", "FACTS"))
