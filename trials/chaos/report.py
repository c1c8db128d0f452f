"""What the run prints: recovery by kind of fault, what was asked and done, and the last line."""

import json
import statistics
import sys
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from engine.core.money import format_amount
from trials.chaos.client import Tally
from trials.chaos.verdict import Verdict

WIDTH = 120  # where there is no terminal to ask
console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)


class Recovery(Struct, frozen=True):
    """Seconds from a fault's end until /readyz said yes, and until a new intent was applied.

    `failed`: requests without an answer, or with 503, from its beginning on.
    """

    fault: str
    ready_seconds: float
    applied_seconds: float
    failed: int


def report(
    recoveries: Sequence[Recovery],
    faults: int,
    tally: Tally,
    exits: Counter[str],
    verdict: Verdict,
) -> int:
    """Print everything. Return 0 if nothing was lost, doubled or wrong."""
    console.print(_recovery_table(recoveries))
    console.print(_facts_table(tally, exits, verdict))
    for line in [*verdict.examples, *tally.unexpected[:5]]:
        console.print(f"[red]{line[:500]}[/red]")
    figures = {
        "faults": faults,
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "audit": "clean" if not verdict.audit else verdict.audit,
        "acknowledged": verdict.acknowledged,
        "unexpected_answers": len(tally.unexpected),
        "recovery_seconds_max": round(max((r.applied_seconds for r in recoveries), default=0), 1),
    }
    print(json.dumps(figures), flush=True)
    is_wrong = verdict.lost or verdict.doubled or verdict.audit or tally.unexpected
    return 1 if is_wrong else 0


def _recovery_table(recoveries: Sequence[Recovery]) -> Table:
    columns = (
        "fault",
        "times",
        "ready: median",
        "max",
        "applied: median",
        "max",
        "failed requests",
    )
    title = "Seconds from the end of a fault until /readyz says yes, and until a new intent is done"
    table = Table(*columns, title=title, title_justify="left", title_style="bold")
    for name in sorted({recovery.fault for recovery in recoveries}):
        found = [recovery for recovery in recoveries if recovery.fault == name]
        ready = [recovery.ready_seconds for recovery in found]
        applied = [recovery.applied_seconds for recovery in found]
        figures = [f"{f(v):.1f}" for v in (ready, applied) for f in (statistics.median, max)]
        failed = sum(recovery.failed for recovery in found)
        table.add_row(name, str(len(found)), *figures, f"{failed:,}")
    return table


def _facts_table(tally: Tally, exits: Counter[str], verdict: Verdict) -> Table:
    answers = ", ".join(f"{status}: {n:,}" for status, n in sorted(tally.answers.items()))
    exits_of = ", ".join(f"{name} {n}" for name, n in sorted(exits.items())) or "none"
    table = Table("", "", show_header=False)
    for name, value in (
        ("answers by status", answers),
        ("requests without an answer", f"{tally.broken:,}"),
        ("acknowledged intents and callbacks", f"{verdict.acknowledged:,}"),
        ("of all intents, applied", f"{verdict.applied:,}"),
        ("given up without an answer", f"{verdict.unanswered:,}"),
        ("mining sessions", f"{verdict.sessions:,}"),
        ("in the wallets", f"{format_amount(verdict.paid_micro)} TWTC"),
        ("programs that ended by themselves", exits_of),
        ("audit", "clean" if not verdict.audit else "; ".join(verdict.audit)),
        ("lost", str(verdict.lost)),
        ("doubled", str(verdict.doubled)),
    ):
        table.add_row(name, value)
    return table
