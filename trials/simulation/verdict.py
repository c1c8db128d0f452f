"""The verdict on a seed: the invariants, nothing lost, nothing twice, and equal to the model."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from engine.core.money import format_amount
from engine.core.timeline import EPOCH
from models.base.db import Row, connected, rows, sql
from models.mining.snapshots import load_snapshot
from models.operations.invariants import audit, audit_globally
from trials.simulation.accounts import STAKES, Account, Intent, pay
from trials.simulation.arena import Arena
from trials.simulation.database import Completed, Held
from trials.simulation.model import Model
from trials.simulation.seed import Seed

APPLIED_WITHIN = timedelta(minutes=4)

INTENTS = sql("""
    SELECT id, bucket, group_number, user_id, kind, origin, key, payload, recorded_at, status,
           outcome ->> 'reason' AS reason, error
    FROM intents ORDER BY bucket, id
""")
WALLETS = sql("SELECT user_id, balance FROM wallets")
FUNDS = sql("SELECT user_id, funding, balance, earned FROM wallet_funds")
SESSIONS = sql("SELECT user_id, id, status, started_at, ends_at FROM mining_sessions")
BOOSTS = sql("SELECT user_id, id, status FROM boosts")
# What has left for somebody and is nobody's yet.
TRANSIT = sql("""
    SELECT split_part(reference, ':', 3) AS sending, funding,
           CAST(sum(CASE WHEN to_account = 'transit:out' THEN amount ELSE -amount END) AS bigint)
             AS amount
    FROM transactions WHERE type = 'TRANSFER' GROUP BY 1, 2
""")
TASKS = sql("SELECT user_id, day, number, status, claimed_at FROM daily_tasks")


async def judge(
    arena: Arena, seed: Seed, accounts: Sequence[Account], since: datetime, *, is_over: bool = False
) -> list[str]:
    """What is wrong. Empty is right."""
    problems = [
        f"invariant: {violation.invariant} {violation.examples[:2]}"
        for violation in [
            *await audit(arena.database),
            *await audit_globally(arena.database, seed.scheduler.now),
        ]
    ]
    async with connected(arena.database) as connection:
        intents = {row.id: row for row in await rows(connection, INTENTS)}
        tables = [await rows(connection, s) for s in (WALLETS, FUNDS, SESSIONS, BOOSTS, TASKS)]
        transit = await rows(connection, TRANSIT)
    problems += _lost_or_doubled(seed, intents, is_over=is_over)
    model = replay(arena, seed, accounts, since, intents)
    problems += _verdicts(model, intents)
    problems += _belongings(model, tables)
    problems += _on_their_way(model, transit, is_over=is_over)
    problems += await stale_copies(arena, accounts)
    if is_over:
        seed.outcomes = _outcomes(model)
    return [f"{'at the end' if is_over else 'on the way'}: {problem}" for problem in problems]


def replay(
    arena: Arena,
    seed: Seed,
    accounts: Sequence[Account],
    since: datetime,
    intents: dict[UUID, Row],
) -> Model:
    """The model after everything that was recorded and took effect."""
    fresh = [Account(a.user, a.bucket) for a in accounts]
    for account in fresh:
        for funding, amount in STAKES.items():
            pay(account, amount, funding)
    model = Model(fresh, arena.facts, since)
    known = {intent_id: _intent(row) for intent_id, row in intents.items()}
    for place, entry in enumerate(seed.history):
        if isinstance(entry, Completed):
            model.complete([known[i] for i in entry.intent_ids if i in known], entry.sweeps)
        elif isinstance(entry, Held):
            model.hold(entry.user_id, entry.hold, entry.until)
        elif entry.intent_id in known:
            model.record(place, known[entry.intent_id])
    return model


def _intent(row: Row) -> Intent:
    body: dict[str, Any] = msgspec.json.decode(row.payload)
    return Intent(
        row.id, row.bucket, row.group_number, row.user_id, row.kind, row.recorded_at, body
    )


def _lost_or_doubled(seed: Seed, intents: dict[UUID, Row], *, is_over: bool) -> list[str]:
    problems = []
    for seen in seed.acknowledged:
        row = intents.get(UUID(seen.intent_id))
        if row is None or row.recorded_at != seen.recorded_at:
            problems.append(f"acknowledged and lost: {seen.what} {seen.intent_id}")
    problems += [
        f"recorded under another key than it was sent with: {row.kind} {row.id}"
        for row in intents.values()
        if row.origin.startswith("user:") and (row.origin, row.key) not in seed.keys
    ]
    events = {row.key for row in intents.values() if row.origin == "network:house"}
    problems += [f"callback lost: {event}" for event in seed.confirmed if event not in events]
    done = Counter(
        intent_id
        for entry in seed.history
        if isinstance(entry, Completed)
        for intent_id in entry.intent_ids
    )
    problems += [f"applied {times} times: {i}" for i, times in done.items() if times > 1]
    problems += [f"applied and lost: {i}" for i in done if i not in intents]
    overdue = seed.scheduler.now - (timedelta(0) if is_over else APPLIED_WITHIN)
    for row in intents.values():
        if row.status == "FAILED":
            problems.append(f"dead letter: {row.kind} {row.id}: {row.error}")
        elif (row.status != "RECORDED") != (row.id in done):
            problems.append(f"{row.kind} {row.id} is {row.status}, applied {done[row.id]} times")
        elif row.status == "RECORDED" and _made_at(row.id) < overdue:
            problems.append(f"not applied: {row.kind} {row.id} of {row.recorded_at}")
    return problems


def _made_at(intent_id: UUID) -> datetime:
    """When an intent was written: a timetable's is recorded as of its boundary."""
    return EPOCH + timedelta(milliseconds=intent_id.int >> 80)


def _verdicts(model: Model, intents: dict[UUID, Row]) -> list[str]:
    return [
        f"{row.kind} {row.id} of user {row.user_id} came to {row.reason or row.status}, "
        f"the model says {model.verdicts[row.id]}"
        for row in intents.values()
        if row.id in model.verdicts
        and (row.reason or row.status) != model.verdicts[row.id]
        and row.status in ("APPLIED", "REJECTED")
    ]


def _outcomes(model: Model) -> Counter[str]:
    outcomes = Counter(f"intent {verdict}" for verdict in model.verdicts.values())
    for account in model.accounts.values():
        for name, owned in (
            ("session", account.sessions),
            ("boost", account.boosts),
            ("task", account.tasks),
        ):
            things: list[Any] = list(owned.values())
            outcomes.update(f"{name} {thing.status}" for thing in things)
    return outcomes


def _belongings(model: Model, tables: Sequence[Sequence[Row]]) -> list[str]:
    problems = []
    for account in model.accounts.values():
        mine = [[row for row in table if row.user_id == account.user] for table in tables]
        wallets, funds, sessions, boosts, tasks = mine
        found: dict[str, Any] = {
            "balance": format_amount(wallets[0].balance),
            "funds": {r.funding: (r.balance, r.earned) for r in funds},
            "sessions": {r.id: (r.status, r.started_at, r.ends_at) for r in sessions},
            "boosts": {r.id: r.status for r in boosts},
            "tasks": {(r.day, r.number): (r.status, r.claimed_at) for r in tasks},
        }
        said: dict[str, Any] = {
            "balance": format_amount(model.balance(account)),
            "funds": {f: (n, account.earned.get(f, 0)) for f, n in account.held.items()},
            "sessions": {s.id: (s.status, s.started, s.ends) for s in account.sessions.values()},
            "boosts": {b.id: b.status for b in account.boosts.values()},
            "tasks": {key: (t.status, t.claimed) for key, t in account.tasks.items()},
        }
        for name, value in said.items():
            if found[name] != value:
                problems.append(_difference(account.user, name, found[name], value))
    return problems


def _on_their_way(model: Model, transit: Sequence[Row], *, is_over: bool) -> list[str]:
    found = {(row.sending, row.funding): row.amount for row in transit if row.amount}
    said = {
        (str(sending_id), funding): amount
        for sending_id, sending in model.transit.items()
        for funding, amount in sending.portions.items()
    }
    problems = [] if found == said else [f"on their way are {found}, the model says {said}"]
    return problems + [f"still on their way: {found}"] * bool(is_over and found)


def _difference(user: int, name: str, found: Any, said: Any) -> str:
    if isinstance(found, dict):
        keys = sorted(found.keys() | said.keys(), key=str)
        odd = [key for key in keys if found.get(key) != said.get(key)]
        found = {str(key): found.get(key) for key in odd}
        said = {str(key): said.get(key) for key in odd}
    return f"user {user}: {name} {found}, the model says {said}"


async def stale_copies(arena: Arena, accounts: Sequence[Account]) -> list[str]:
    """At any instant, what Redis holds of a member is what PostgreSQL says, or nothing."""
    problems = []
    for account in accounts:
        copy = await arena.services.copies.read(account.user)
        if copy is not None and copy != await load_snapshot(arena.database, account.user):
            problems.append(f"user {account.user}: the copy in Redis is stale")
    return problems
