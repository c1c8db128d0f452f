"""After the storm: what was acknowledged against what was done, and the books against both."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

import msgspec
from msgspec import Struct

from engine.core.money import MICRO_PER_TWTC, parse_amount
from engine.core.outcome import Applied
from engine.mining.accrual import accrued
from engine.mining.state import SessionResult
from engine.tasks.state import BONUS_MICRO, TaskResult
from models.base.db import Database, Row, rows, snapshot, sql
from models.intents.outcomes import read_outcome
from models.operations.invariants import audit, audit_globally
from runtime.clock import utcnow
from trials.chaos.client import Wish
from trials.chaos.phone import Phone

DONE = ("APPLIED", "REJECTED")
EXAMPLES_MAX = 5

UNDONE = sql("SELECT count(*) AS n FROM intents WHERE status = 'RECORDED' AND user_id IS NOT NULL")

INTENTS = sql("""
    SELECT i.user_id, i.id, i.origin, i.key, i.kind, i.status, i.payload, i.outcome
    FROM intents i WHERE i.user_id IS NOT NULL
""")

WALLETS = sql("SELECT user_id, balance FROM wallets")

SESSIONS = sql("""
    SELECT s.id, s.user_id, s.status, s.reward_micro, s.started_at, s.ends_at, m.credited_through
    FROM mining_sessions s
    JOIN credit_watermarks m ON m.bucket = s.bucket AND m.group_number = s.group_number
    WHERE s.status IN ('ACTIVE', 'COMPLETED')
""")


class Verdict(Struct):
    """What was found; of what is wrong the first examples."""

    acknowledged: int = 0
    applied: int = 0
    unanswered: int = 0
    sessions: int = 0
    paid_micro: int = 0
    lost: int = 0
    doubled: int = 0
    audit: list[str] = []
    examples: list[str] = []

    def lose(self, what: str, count: int = 1) -> None:
        """Something acknowledged has no effect."""
        self._note(count, f"lost: {what}")
        self.lost += count

    def double(self, what: str, count: int = 1) -> None:
        """Something has an effect that nobody asked for, or had it twice."""
        self._note(count, f"doubled: {what}")
        self.doubled += count

    def _note(self, count: int, example: str) -> None:
        if count and len(self.examples) < EXAMPLES_MAX:
            self.examples.append(example)


async def judge(database: Database, phones: Sequence[Phone]) -> Verdict:
    """Compare the phones' journals, the outcomes, and the wallets; then audit the books."""
    verdict = Verdict()
    async with snapshot(database) as connection:
        intents = await rows(connection, INTENTS)
        wallets = {row.user_id: row.balance for row in await rows(connection, WALLETS)}
        sessions = await rows(connection, SESSIONS)
    _check_wishes(verdict, phones, intents)
    _check_callbacks(verdict, phones, intents)
    _check_money(verdict, intents, wallets, sessions)
    broken = [*await audit(database), *await audit_globally(database, utcnow())]
    verdict.audit = [violation.invariant for violation in broken]
    return verdict


def _check_wishes(verdict: Verdict, phones: Sequence[Phone], intents: Sequence[Row]) -> None:
    """Every acknowledged wish is one intent, and done; every intent was wished for."""
    by_id = {str(row.id): row for row in intents}
    wishes: list[Wish] = [wish for phone in phones for wish in phone.client.wishes]
    for wish in wishes:
        verdict.acknowledged += bool(wish.ids)
        verdict.unanswered += not wish.ids and wish.refused is None
        verdict.double(f"{wish.path} as {wish.ids}", max(0, len(wish.ids) - 1))
        for intent_id in wish.ids:
            row = by_id.get(intent_id)
            if row is None or row.key != wish.key or row.status not in DONE:
                verdict.lose(f"{wish.path} {intent_id} {row.status if row else 'is not there'}")
    recorded = Counter(row.origin for row in intents if row.origin.startswith("user:"))
    asked = sum(recorded.values())
    # What was never acknowledged may be recorded all the same: its reply was lost for good.
    verdict.double("intents nobody asked for", max(0, asked - len(wishes)))
    verdict.applied = sum(row.status == "APPLIED" for row in intents)


def _check_callbacks(verdict: Verdict, phones: Sequence[Phone], intents: Sequence[Row]) -> None:
    """Every callback that was accepted is done, and proves its view once."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in intents:
        if row.kind == "ad.confirm":
            found[msgspec.json.decode(row.payload)["view_id"]].append(row.status)
    for phone in phones:
        for view_id in phone.proved_views:
            verdict.acknowledged += 1
            if not set(found[view_id]) & set(DONE):
                verdict.lose(f"the callback of view {view_id}")
    for view_id, statuses in found.items():
        verdict.double(f"the callback of view {view_id}", max(0, statuses.count("APPLIED") - 1))


def _check_money(
    verdict: Verdict, intents: Sequence[Row], wallets: dict[int, int], sessions: Sequence[Row]
) -> None:
    """Each member has exactly what their outcomes say."""
    begun, earned = promised(intents)
    stored = {str(row.id) for row in sessions}
    verdict.sessions = len(stored)
    verdict.lose("sessions that an outcome promised", len(begun - stored))
    verdict.double("sessions that no outcome promised", len(stored - begun))
    for row in sessions:
        earned[row.user_id] += (
            row.reward_micro
            if row.status == "COMPLETED"
            else accrued(row.reward_micro, row.started_at, row.ends_at, row.credited_through)
        )
    for user_id, balance in wallets.items():
        verdict.paid_micro += balance
        too_much = balance - earned[user_id]
        what = f"member {user_id} has {too_much / MICRO_PER_TWTC:+f} TWTC"
        verdict.double(what, int(too_much > 0))
        verdict.lose(what, int(too_much < 0))


def promised(intents: Iterable[Row]) -> tuple[set[str], Counter[int]]:
    """The sessions that began, and micro-TWTC of tasks by member, as the outcomes tell it."""
    begun: set[str] = set()
    rewards: dict[tuple[int, date, int], int] = {}
    bonuses: set[tuple[int, date, int]] = set()
    for row in intents:
        match row.outcome and read_outcome(row.kind, row.outcome):
            case Applied(SessionResult(status="ACTIVE") as session):
                begun.add(str(session.session_id))
            case Applied(TaskResult(status="CLAIMED") as task):
                named = (row.user_id, task.day, task.number)
                rewards[named] = parse_amount(task.reward)
                if task.bonus is True:
                    bonuses.add(named)
    earned: Counter[int] = Counter()
    for named, reward_micro in rewards.items():
        earned[named[0]] += reward_micro + BONUS_MICRO * (named in bonuses)
    return begun, earned
