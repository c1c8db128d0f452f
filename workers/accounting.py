"""What a worker tells of what it has done, after the commit (decision 0036)."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from engine.core.action import AnyIntent, kind_of
from engine.core.money import MICRO_PER_TWTC
from engine.core.outcome import Applied, Outcome
from engine.core.transfer import Transfer
from engine.ledger.actions import Adjusted
from engine.mining.actions import MiningSettled
from runtime.clock import utcnow
from runtime.telemetry.context import note
from runtime.telemetry.meter import meter
from runtime.telemetry.metrics import (
    INTENT_AGE,
    INTENTS_DONE,
    LEDGER_COINS,
    LEDGER_TRANSFERS,
    TICK_LAG,
)

Done = Sequence[tuple[AnyIntent, Outcome]]


def account_for(done: Done, transfers: Sequence[Transfer] = ()) -> None:
    """Count what was done, how long after its recording or its boundary, and what it paid."""
    now = utcnow()
    counts: Counter[tuple[str, str]] = Counter()
    for intent, outcome in done:
        kind = kind_of(intent.action)
        counts[kind, "applied" if isinstance(outcome, Applied) else "rejected"] += 1
        metric = TICK_LAG if intent.action.is_tick else INTENT_AGE
        seconds = max(0.0, (now - intent.recorded_at).total_seconds())
        spread = meter.spread(metric, kind)
        spread.counts[bisect_left(metric.bounds, seconds)] += 1
        spread.total += seconds
    for labels, number in counts.items():
        meter.count(INTENTS_DONE, *labels, by=number)
    for type_, number, amount_micro in _transfers(done, transfers):
        meter.count(LEDGER_TRANSFERS, type_, by=number)
        meter.count(LEDGER_COINS, type_, by=amount_micro / MICRO_PER_TWTC)


def _transfers(done: Done, transfers: Sequence[Transfer]) -> Iterator[tuple[str, int, int]]:
    for transfer in transfers:
        yield transfer.type, 1, transfer.amount_micro
    for _, outcome in done:
        match outcome:
            case Applied(MiningSettled(sessions=sessions, paid_micro=paid_micro)) if sessions:
                yield "MINING", sessions, paid_micro
            case Applied(Adjusted(amount_micro=amount_micro)):
                yield "ADJUSTMENT", 1, amount_micro


def account_for_failure(notes: dict[str, Any], status: str) -> None:
    """An attempt has failed: it is tried again, or the intent rests as a dead letter."""
    outcome = "dead" if status == "FAILED" else "failed"
    meter.count(INTENTS_DONE, notes.get("kind", "unknown"), outcome)


def note_intent(intent: AnyIntent) -> None:
    """Name an intent in the log lines about it, also in the one of its failure."""
    note(kind=kind_of(intent.action), user_id=intent.user_id)
    if intent.evidence.request_id is not None:
        note(request_id=intent.evidence.request_id)
