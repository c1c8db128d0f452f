"""Judging a batch's intents: the checks of engine.fraud with what is known of their addresses."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from engine.action import AnyIntent
from engine.decision import Decision, LogEntry
from engine.fraud.checks import Judgement, Surroundings, Trail, judge, judge_answer
from engine.fraud.levels import Alert, Severity, Violation, raise_alert
from models.db import Connection
from models.fraud import end_sign_ins, load_trails, store_holds, store_trails
from workers.workshop import Workshop

_WRONG = frozenset({"TASK_WRONG", "BOOST_WRONG"})
_RAISING = frozenset({Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL})


class Bench(Struct):
    """What a batch has found out about its members so far."""

    trails: dict[int, Trail]
    before: dict[int, Trail]
    untracked: set[int]
    ended: set[UUID] = set()

    def held_anew(self) -> dict[int, Alert]:
        """Whose hold has changed."""
        return {
            user_id: trail.alert
            for user_id, trail in self.trails.items()
            if _hold_of(trail) != _hold_of(self.before[user_id])
        }


async def open_bench(connection: Connection, bucket: int, wishes: list[AnyIntent]) -> Bench:
    """Load the trails of a batch's members."""
    users = {intent.user_id for intent in wishes if intent.user_id is not None}
    trails, untracked = await load_trails(connection, bucket, users)
    return Bench(dict(trails), trails, untracked)


def examine(shop: Workshop, bench: Bench, intent: AnyIntent, decision: Decision) -> list[LogEntry]:
    """Judge an intent and what the rules logged of it. Return what to log of that."""
    user_id, at = intent.user_id, intent.recorded_at
    if user_id not in bench.trails or not intent.action.is_own:
        return []
    assert user_id is not None
    before = bench.trails[user_id]
    judgement = judge(before, intent, _surroundings(shop, bench, intent))
    if any(entry.event in _WRONG for entry in decision.logs):
        judgement = _with_answer(judgement, _shown_at(before, decision), at)
    alert = judgement.trail.alert
    for entry in decision.logs:
        if entry.severity in _RAISING:
            alert = raise_alert(alert, Violation(entry.event, Severity(entry.severity)), at)
    bench.trails[user_id] = replace(judgement.trail, alert=alert)
    if judgement.ended_session_id is not None:
        bench.ended.add(judgement.ended_session_id)
    return [
        LogEntry(
            user_id,
            violation.event,
            "intent",
            intent.id,
            {**violation.details, "level": alert.level},
            violation.severity,
        )
        for violation in judgement.violations
    ]


def _with_answer(judgement: Judgement, shown_at: datetime | None, at: datetime) -> Judgement:
    trail, violation = judge_answer(judgement.trail, shown_at, at)
    found = (*judgement.violations, violation) if violation else judgement.violations
    return replace(judgement, trail=trail, violations=found)


def _shown_at(before: Trail, decision: Decision) -> datetime | None:
    """A boost's question when it was asked for; a quiz's with the decision before this one."""
    return decision.boosts[0].asked_at if decision.boosts else before.acted_at


async def close_bench(connection: Connection, bucket: int, bench: Bench, now: datetime) -> set[int]:
    """Store what has changed. Return whose snapshot has."""
    changed = [t for user_id, t in bench.trails.items() if t != bench.before[user_id]]
    held = bench.held_anew()
    await store_trails(connection, bucket, changed)
    await store_holds(connection, bucket, held)
    await end_sign_ins(connection, bucket, bench.ended, now)
    return set(held)


def _surroundings(shop: Workshop, bench: Bench, intent: AnyIntent) -> Surroundings:
    ip = intent.evidence.ip
    if not ip:
        return Surroundings()
    place = None if intent.user_id in bench.untracked else shop.places.find(ip)
    return Surroundings(place, shop.reputation.find(ip))


def _hold_of(trail: Trail) -> tuple[object, object]:
    return trail.alert.hold, trail.alert.hold_until
