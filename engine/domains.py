"""The domains, in the order in which they may use each other. A new one has its line here.

What they have for the whole is found in modules of fixed names: `actions`, `rules`, `reactions`.
"""

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any

from engine.core.action import Action
from engine.core.errands import Call, TellPhones
from engine.core.found import found_in, modules_in
from engine.core.outcome import Result
from engine.mining.state import SessionResult
from engine.tasks.state import TaskResult

DOMAINS = (
    "accounts",
    "ledger",
    "ads",
    "content",
    "mining",
    "boosts",
    "tasks",
    "fraud",
    "operations",
)


def found_in_all(module: str, name: str) -> Iterator[Any]:
    """What the domains' modules of this name have under that name, in the domains' order."""
    return found_in("engine", DOMAINS, module, name)


ACTIONS: tuple[type[Action], ...] = tuple(
    kind
    for actions in modules_in("engine", DOMAINS, "actions")
    for kind in vars(actions).values()
    if isinstance(kind, type) and issubclass(kind, Action) and kind is not Action
)
ANY_ACTION: Any = reduce(or_, ACTIONS)

# What is asked of somebody outside (decision 0054).
CALLS: tuple[type[Call], ...] = (TellPhones,)

# What ads are shown for (engine.decide), as its member is told of it.
PAYEE_RESULTS: tuple[type[Result], ...] = (SessionResult, TaskResult)


def results_of(action: type[Action]) -> tuple[type[Result], ...]:
    """What an intent of this kind may bring."""
    return PAYEE_RESULTS if action.of_payee else action.results
