"""The domains, in the order in which they may use each other, and what can be asked for in them.

A new one has its line here; its kinds of intents are the actions of its module (decision 0001).
"""

from functools import reduce
from operator import or_
from typing import Any

from engine.accounts import actions as accounts
from engine.ads import actions as ads
from engine.boosts import actions as boosts
from engine.content import actions as content
from engine.core.action import Action
from engine.core.outcome import Result
from engine.fraud import actions as fraud
from engine.ledger import actions as ledger
from engine.mining import actions as mining
from engine.mining.state import SessionResult
from engine.operations import actions as operations
from engine.tasks import actions as tasks
from engine.tasks.state import TaskResult

DOMAINS = (accounts, ledger, ads, content, mining, boosts, tasks, fraud, operations)
ACTIONS: tuple[type[Action], ...] = tuple(
    kind
    for domain in DOMAINS
    for kind in vars(domain).values()
    if isinstance(kind, type) and issubclass(kind, Action) and kind is not Action
)
ANY_ACTION: Any = reduce(or_, ACTIONS)

# What ads are shown for (engine.decide), as its member is told of it.
PAYEE_RESULTS: tuple[type[Result], ...] = (SessionResult, TaskResult)


def results_of(action: type[Action]) -> tuple[type[Result], ...]:
    """What an intent of this kind may bring."""
    return PAYEE_RESULTS if action.of_payee else action.results
