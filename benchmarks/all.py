"""`./run bench`: every subject, one after the other, and a report beside their pictures.

Each subject runs as `./run bench SUBJECT` does, in a process of its own; its tables are kept in the
report as they were printed.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping

from msgspec import Struct

from benchmarks.plots import FOLDER, machine
from benchmarks.support import console, say, show

SUBJECTS = (
    "tick",
    "growth",
    "intents",
    "poll",
    "reset",
    "login",
    "fraud",
    "load",
    "abuse",
    "dashboard",
)
Figures = Mapping[str, float]


class Goal(Struct, frozen=True):
    """A figure that a subject must reach."""

    subject: str
    key: str
    what: str
    reached: Callable[[float], bool]


GOALS = (
    Goal("tick", "vs_raw", "≥ 0.5 × a raw UPDATE", lambda v: v >= 0.5),
    Goal("tick", "vs_job_per_session", "≥ 50 × one job per session", lambda v: v >= 50),
    Goal("tick", "million_seconds", "≤ 6 s for a million sessions", lambda v: v <= 6),
    Goal("tick", "worker_mib", "≤ 200 MB of a worker", lambda v: v <= 200),
    Goal("tick", "slope", "cost ∝ live sessions: slope ≤ 1.05", lambda v: v <= 1.05),
    Goal("growth", "tick_slope_by_ledger", "unmoved by the ledger: ± 0.1", lambda v: abs(v) <= 0.1),
    Goal("intents", "vs_best_peer", "≥ 5 × the best job queue", lambda v: v >= 5),
    Goal("intents", "p99_ms_half_load", "p99 < 150 ms at half load", lambda v: v < 150),
    Goal("poll", "vs_constant", "≥ 0.5 × a constant answer", lambda v: v >= 0.5),
    Goal("poll", "vs_fastapi_sqlalchemy", "≥ 4 × FastAPI + SQLAlchemy", lambda v: v >= 4),
    Goal("reset", "million_seconds", "< 1 s with a million users", lambda v: v < 1),
    Goal("login", "p95_ms", "sign-in p95 < 200 ms at 20 a second", lambda v: v < 200),
    Goal("login", "poll_slowdown", "polls not slowed by more than 20 %", lambda v: v <= 0.2),
    Goal("fraud", "balanced_accuracy", "≥ 97 % of known kinds, balanced", lambda v: v >= 0.97),
    Goal("fraud", "humans_at_level_3", "≤ 1 % of people held in 14 nights", lambda v: v <= 0.01),
    Goal("fraud", "held_untracked", "≤ 1 % of who objects to tracking", lambda v: v <= 0.01),
    Goal("fraud", "held_no_token", "≤ 1 % of who sends no device token", lambda v: v <= 0.01),
    Goal("fraud", "farm_stopped", "≥ 90 % of farms stopped in 3 days", lambda v: v >= 0.9),
    Goal("fraud", "farm_coins_each", "≤ 300 TWTC each could have left", lambda v: v <= 300),
    Goal("load", "goodput_at_150", "≥ 80 % of saturation served at 150 %", lambda v: v >= 0.8),
    Goal("load", "goodput_at_200", "≥ 80 % of saturation served at 200 %", lambda v: v >= 0.8),
    Goal("load", "lost", "nothing lost that was acknowledged", lambda v: v == 0),
    Goal("abuse", "p95_ratio", "members at most twice as slow beside attackers", lambda v: v <= 2),
    Goal("abuse", "errors_5xx", "no member is refused for them", lambda v: v == 0),
    Goal("abuse", "health_ms_max", "the process always answers in 100 ms", lambda v: v <= 100),
    Goal("dashboard", "overhead", "≤ 5 % of the throughput", lambda v: v <= 0.05),
)


def main(args: list[str]) -> int:
    """Run them. Return 0 if every subject ran, whether its goals are reached or not."""
    parser = argparse.ArgumentParser(prog="run bench", description=__doc__)
    parser.add_argument("--only", nargs="*", default=SUBJECTS, choices=SUBJECTS)
    options = parser.parse_args(args)
    FOLDER.mkdir(parents=True, exist_ok=True)
    printed: dict[str, str] = {}
    figures: dict[str, Figures] = {}
    for subject in options.only:
        say(f"./run bench {subject}")
        command = [sys.executable, "-m", "ops.cli", "bench", subject]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        printed[subject] = done.stdout
        if done.returncode == 0:
            figures[subject] = json.loads(done.stdout.strip().splitlines()[-1])
    lines = [_line(goal, figures[goal.subject]) for goal in GOALS if goal.subject in figures]
    show("Goals", ["subject", "goal", "measured", ""], lines)
    path = FOLDER / "report.md"
    path.write_text(_report(lines, printed))
    console.print(f"{path}; failed: {', '.join(set(options.only) - set(figures)) or 'none'}")
    print(json.dumps(figures))
    return 0 if len(figures) == len(options.only) else 1


def _line(goal: Goal, figures: Figures) -> list[str]:
    value = figures.get(goal.key)
    verdict = "not measured" if value is None else "yes" if goal.reached(value) else "no"
    return [goal.subject, goal.what, str(value), verdict]


def _report(lines: list[list[str]], printed: Mapping[str, str]) -> str:
    rows = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    parts = [
        f"# Measured\n\n{machine()}",
        f"| subject | goal | measured | reached |\n|---|---|---|---|\n{rows}",
    ]
    for subject, text in printed.items():
        picture = FOLDER / f"{subject}.svg"
        shown = f"![{subject}]({subject}.svg)\n\n" if picture.exists() else ""
        parts.append(f"## {subject}\n\n{shown}```\n{text.strip()}\n```")
    return "\n\n".join(parts) + "\n"
