"""`./run bench fraud`: how well the score tells programs from people.

The model learns from `workers/scoring/examples.py` and is measured on accounts of another
generator, which it has not seen. Flagged is who scores 61 or more: level 3 and above.
"""

import argparse
import time
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.fraud_population import population
from benchmarks.plots import Bars
from benchmarks.support import finish
from engine.anomaly.acts import Day
from engine.anomaly.bands import FLOORS, LEVELS, Band, band_of
from engine.anomaly.features import Norm, features, is_enough
from engine.anomaly.model import Model, Verdict, judge, write_model
from engine.anomaly.norms import norms_of
from workers.scoring.examples import examples
from workers.scoring.nightly import FIRST_MODEL
from workers.scoring.training import learn

FLAGGED = FLOORS[Band.REVIEW]


class Options(argparse.Namespace):
    """What the command line says."""

    per_kind: int
    seed: int
    save: bool


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status."""
    parser = argparse.ArgumentParser(prog="run bench fraud", description=__doc__)
    parser.add_argument("--per-kind", type=int, default=400, help="accounts of each kind")
    parser.add_argument("--seed", type=int, default=1, help="another one, other accounts")
    parser.add_argument("--save", action="store_true", help="as the first model")
    options = parser.parse_args(args, namespace=Options())
    console = Console()
    begun = time.perf_counter()
    accounts, labels = examples(options.seed, people=2_100, programs=2_100)
    model = learn(accounts, labels, options.seed)
    console.print(f"trained on {len(accounts):,} accounts in {time.perf_counter() - begun:.1f} s")
    if options.save:
        FIRST_MODEL.write_bytes(write_model(model) + b"\n")
    found = population(options.seed + 1_000, options.per_kind)
    people = {name: days for name, days in found.items() if name.startswith("person")}
    norms = norms_of([days for each in people.values() for days in each])
    scores = {name: [_verdict(model, days, norms) for days in each] for name, each in found.items()}
    table = Table("kind", "normal", "monitor", "review", "suspend", "flagged", "main reasons")
    for name, verdicts in scores.items():
        bands = [band_of(verdict.score) for verdict in verdicts]
        rate = sum(v.score >= FLAGGED for v in verdicts) / len(verdicts)
        flagged = [v for v in verdicts if v.score >= FLAGGED]
        reasons = _main_reasons(flagged)
        counts = [f"{bands.count(band) / len(bands):.1%}" for band in Band]
        table.add_row(name, *counts, f"{rate:.1%}", reasons)
    console.print(table)
    finish(_figures(scores), "fraud", _bars(scores))
    return 0


def _verdict(model: Model, days: list[Day], norms: dict[str, Norm]) -> Verdict:
    """As the nightly job: who did next to nothing is not scored."""
    return judge(model, features(days, norms)) if is_enough(days) else Verdict(0, Band.NORMAL, [])


def _main_reasons(flagged: Sequence[Verdict]) -> str:
    weights: dict[str, float] = {}
    for verdict in flagged:
        for reason in verdict.reasons:
            weights[reason.feature] = weights.get(reason.feature, 0) + reason.weight
    names = sorted(weights, key=lambda name: -weights[name])[:2]
    return ", ".join(names)


def _bars(scores: Mapping[str, Sequence[Verdict]]) -> Bars:
    shares = {
        name: (100 * sum(v.score >= FLAGGED for v in verdicts) / len(verdicts), 0.0)
        for name, verdicts in scores.items()
    }
    return Bars("Flagged for review or suspended", "per cent of a kind's accounts", shares)


def _figures(scores: Mapping[str, Sequence[Verdict]]) -> dict[str, float]:
    people = [v.score for name, each in scores.items() if name.startswith("person") for v in each]
    programs = [v.score for name, e in scores.items() if name.startswith("program") for v in e]
    caught = sum(score >= FLAGGED for score in programs)
    wronged = sum(score >= FLAGGED for score in people)
    recall, false_rate = caught / len(programs), wronged / len(people)
    assert LEVELS[Band.REVIEW] == 3
    return {
        "balanced_accuracy": round((recall + 1 - false_rate) / 2, 4),
        "precision": round(caught / max(1, caught + wronged), 4),
        "recall": round(recall, 4),
        "humans_at_level_3": round(false_rate, 4),
    }
