"""Populations that measure the score, and that it never learns from (decision 0049)."""

from random import Random

from benchmarks.populations import agents, bursts, chains, diaries, replays
from benchmarks.populations.contract import Account

PEOPLE = (diaries.people, chains.people, bursts.people)
FARMS = (diaries.farms, replays.farms, agents.farms)


def population(seed: int, people: int, farms: int, size: int = 50) -> list[Account]:
    """Accounts of all generators: `people` scales the people of each, `farms` of each kind."""
    found: list[Account] = []
    for place, (live, work) in enumerate(zip(PEOPLE, FARMS, strict=True)):
        random = Random(f"{seed}:{place}")
        found += live(random, people)
        found += work(random, farms, size)
    return found
