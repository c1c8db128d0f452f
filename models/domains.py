"""What the domains keep of members, in the order in which it is loaded and stored."""

from importlib import import_module

from models.intents.batch import Keep

# Sessions before the ads that they await, ads before the tasks that they are shown for.
KEEPING = (
    "ledger",
    "mining",
    "ads",
    "boosts",
    "tasks",
    "fraud",
)

KEEPS: tuple[Keep, ...] = tuple(
    keep for domain in KEEPING for keep in import_module(f"models.{domain}.keep").KEEPS
)
