"""Accounts to learn from, in every state that an account can be in.

A real population has few labels, and those late. So a model learns programs from tactics that are
published, and people from these examples until there are enough of its own. What measures the score
(`benchmarks/populations`) is written apart from them, and nothing is learned from it.
"""

from collections.abc import Sequence
from random import Random

from engine.fraud.anomaly.acts import Act, Day, measure
from workers.scoring.example_people import PEOPLE
from workers.scoring.example_programs import PROGRAMS


def examples(seed: int, people: int, programs: int) -> tuple[list[list[Day]], list[bool]]:
    """The first fourteen days of that many people and programs, and whether each is a program.

    Days on which nothing was done are left out, as they are where accounts are measured.
    """
    random = Random(seed)  # noqa: S311
    accounts, labels = [], []
    for makers, count, label in ((PEOPLE, people, False), (PROGRAMS, programs, True)):
        for number in range(count):
            accounts.append(measured(makers[number % len(makers)](random)))
            labels.append(label)
    return accounts, labels


def measured(days: Sequence[Sequence[Act]], *, is_tracked: bool = True) -> list[Day]:
    """The measures of an account's days on which it did anything."""
    return [measure(acts, is_tracked=is_tracked) for acts in days if acts]
