"""The simulation: a few worlds are right and repeatable, and it sees bugs that are planted."""

import ast
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace
from pytest import MonkeyPatch

import engine.ads.rules
import engine.decide
import engine.ledger.rules
import models.intents.follow_ups
import models.mining.credit
import trials.simulation.processes
from engine.core.action import Action, Intent
from engine.core.conditions import Conditions
from engine.core.decision import Decision
from engine.core.member import Member
from engine.core.rule import Rule
from engine.ledger.actions import ReceiveCoins
from engine.ledger.state import Purse
from models.mining.snapshots import SnapshotCopies
from runtime.environment import Config
from tests.kit.root import ROOT
from tests.kit.words import START
from trials.simulation.arena import open_arena
from trials.simulation.life import run_seed
from trials.simulation.scheduler import Scheduler

SEEDS = range(1, 7)


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """The faults are logged by the product; the verdict says what is wrong."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


async def test_worlds_that_fail_are_right_in_the_end_and_the_same_each_time(config: Config) -> None:
    async with open_arena(config) as arena:
        results = [await run_seed(arena, number) for number in SEEDS]
        again = await run_seed(arena, SEEDS[0])
    assert {r.number: r.problems for r in results if r.problems} == {}
    assert again == results[0]
    assert len({result.digest for result in results}) == len(SEEDS)
    assert sum(result.faults.get("process killed", 0) for result in results) > 0
    assert sum(result.acts["intents of members"] for result in results) > 50


def pay_ticks_twice(patch: MonkeyPatch) -> None:
    """A statement that is wrong."""
    statement = models.mining.credit.CREDIT_RUNNING
    wrong = statement.numbered.replace("w.balance + e.amounts", "w.balance + 2 * e.amounts")
    assert wrong != statement.numbered
    patch.setattr(statement, "numbered", wrong)


def believe_any_phone(patch: MonkeyPatch) -> None:
    """A rule that is gone: only the model can know."""
    patch.setattr(engine.ads.rules, "_too_short", lambda view, at, member: False)


def play_ads_at_once(patch: MonkeyPatch) -> None:
    """Another rule that is gone."""
    patch.setattr(engine.ads.rules, "busy_until", lambda *_, but=None: None)


def relay_nothing(patch: MonkeyPatch) -> None:
    """What a lost bell was rung for is never applied."""

    async def nothing(*args: object) -> list[object]:
        return []

    patch.setattr(trials.simulation.processes, "overdue_pieces", nothing)


def mark_no_copies(patch: MonkeyPatch) -> None:
    """A worker that dies after its commit leaves a stale copy in Redis."""

    async def nothing(*args: object) -> None:
        return

    patch.setattr(SnapshotCopies, "mark_changing", nothing)


def deliver_anew(patch: MonkeyPatch) -> None:
    """A delivery that is repeated has another key, and so has what it pays."""
    statement = models.intents.follow_ups.RECORD
    wrong = statement.numbered.replace("d.key", "d.key || ':' || d.id")
    assert wrong != statement.numbered
    patch.setattr(statement, "numbered", wrong)

    def receive(member: Member, intent: Intent[ReceiveCoins], conditions: Conditions) -> Decision:
        right = engine.ledger.rules.receive(member, intent, conditions)
        paid = (replace(t, reference=f"{t.reference}:{intent.id}") for t in right.transfers)
        return replace(right, transfers=tuple(paid))

    rules: dict[type[Action], Rule] = {ReceiveCoins: receive}
    patch.setattr(engine.decide, "RULES", engine.decide.RULES | rules)


def forget_what_left(patch: MonkeyPatch) -> None:
    """A day's allowance that is used over and over again: only the model can know."""
    right = Purse.holder
    patch.setattr(Purse, "holder", lambda self, at: replace(right(self, at), spent_micro=0))


# What is said of each, and the seed to try first: the next ones see it too, sooner or later.
PLANTED: dict[Callable[[MonkeyPatch], None], tuple[str, int]] = {
    pay_ticks_twice: ("invariant: balance = settled balance", 1),
    believe_any_phone: ("the model says AD_TOO_SHORT", 24),
    play_ads_at_once: ("the model says AD_IN_PROGRESS", 2),
    relay_nothing: ("not applied", 4),
    mark_no_copies: ("the copy in Redis is stale", 1),
    deliver_anew: ("invariant: what was sent to a member has arrived", 57),
    forget_what_left: ("the model says NOT_SPENDABLE", 2),
}
TRIES_MAX = 25


async def test_planted_bugs_are_seen(config: Config, monkeypatch: MonkeyPatch) -> None:
    unseen = set()
    async with open_arena(config) as arena:
        for plant, (seen, first) in PLANTED.items():
            with monkeypatch.context() as patch:
                plant(patch)
                for number in range(first, first + TRIES_MAX):
                    result = await run_seed(arena, number)
                    if any(seen in problem for problem in result.problems):
                        assert result.trace  # what happened is told
                        break
                else:
                    unseen.add(plant.__name__)
    assert unseen == set()


def test_the_model_uses_nothing_of_the_product() -> None:
    folder = ROOT / "trials" / "simulation"
    own = {
        f"trials.simulation.{name}"
        for name in ("accounts", "facts", "model_earnings", "model_sendings")
    }
    for name in ("accounts", "facts", "model", "model_earnings", "model_sendings"):
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text())):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= {"msgspec"}
            elif isinstance(node, ast.ImportFrom):
                assert node.module in own | {
                    *("collections", "collections.abc", "datetime", "functools", "typing", "uuid"),
                    "msgspec",
                }


async def test_the_scheduler_gives_turns_in_the_order_of_time() -> None:
    async def unneeded(pid: int) -> bool:
        raise AssertionError

    async def cancel(pid: int) -> None:
        raise AssertionError

    seen: list[str] = []
    scheduler = Scheduler(START, unneeded, cancel)

    async def live(name: str, seconds: float) -> None:
        for _ in range(2):
            await scheduler.sleep(seconds)
            seen.append(f"{name} {(scheduler.now - START).total_seconds():g}")

    scheduler.spawn(live("slow", 5))
    scheduler.spawn(live("fast", 3), after_seconds=1)
    await scheduler.run(START + timedelta(minutes=1))
    assert seen == ["fast 4", "slow 5", "fast 7", "slow 10"]
    assert scheduler.now == START + timedelta(minutes=1)
    await scheduler.close()
