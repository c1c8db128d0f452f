"""`./run bench fraud`: whom the score holds up, people and programs, night by night.

The model learns from `workers/scoring/examples.py`. Programs of kinds that it knows come from
`benchmarks/fraud_population.py`; a town of people and of farms that it does not know from
`benchmarks/populations`, of which nothing is learned. Held up is who scores 61 or more on any of
the first fourteen nights: level 3 and above.
"""

import argparse
import time
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.fraud_population import population
from benchmarks.fraud_town import KINDS_TO_STOP, STATES, Town, live
from benchmarks.plots import Bars
from benchmarks.support import finish
from engine.fraud.anomaly.acts import Day
from engine.fraud.anomaly.bands import FLOORS, LEVELS, Band
from engine.fraud.anomaly.features import features, is_enough, weeks_of
from engine.fraud.anomaly.model import Model, judge, read_model, write_model
from engine.fraud.anomaly.norms import norms_of
from workers.scoring.examples import examples
from workers.scoring.nightly import FIRST_MODEL
from workers.scoring.training import learn

FLAGGED = FLOORS[Band.REVIEW]
DAYS_TO_STOP = 3


class Options(argparse.Namespace):
    """What the command line says."""

    people: int
    farms: int
    seed: int
    save: bool


def main(args: list[str]) -> int:
    """Run the benchmark. Return the exit status."""
    parser = argparse.ArgumentParser(prog="run bench fraud", description=__doc__)
    parser.add_argument("--people", type=int, default=30, help="by which each generator multiplies")
    parser.add_argument("--farms", type=int, default=1, help="of each kind, by each generator")
    parser.add_argument("--seed", type=int, default=1, help="another one, other accounts")
    parser.add_argument("--save", action="store_true", help="train and save the first model")
    options = parser.parse_args(args, namespace=Options())
    console, begun = Console(), time.perf_counter()
    model = read_model(FIRST_MODEL.read_bytes())
    if options.save:
        model = learn(*examples(1, people=1_500, programs=1_500), seed=1)
        FIRST_MODEL.write_bytes(write_model(model) + b"\n")
        console.print(f"trained in {time.perf_counter() - begun:.0f} s")
    known = _known(model, options.seed + 1_000)
    console.print(_table_of_known(known))
    town = live(model, options.seed, options.people, options.farms)
    console.print(_table_of_people(town))
    console.print(_table_of_farms(town))
    console.print(f"{time.perf_counter() - begun:.0f} s")
    finish(_figures(known, town), "fraud", _bars(known, town))
    return 0


def _known(model: Model, seed: int) -> Mapping[str, float]:
    """By kind, the share that is held up on any of its seven nights."""
    found = population(seed, per_kind=120)
    people = [days for name, each in found.items() if name.startswith("person") for days in each]
    norms = norms_of(people)

    def is_held(days: list[Day]) -> bool:
        weeks = weeks_of([day for day in days if day.acts])
        return any(
            judge(model, features(week, norms)).score >= FLAGGED
            for week in weeks
            if is_enough(week)
        )

    return {name: sum(map(is_held, each)) / len(each) for name, each in found.items()}


def _table_of_known(known: Mapping[str, float]) -> Table:
    table = Table("kinds that it knows", "held up", title="A week, by habits alone")
    for name, share in known.items():
        table.add_row(name, f"{share:.1%}")
    return table


def _table_of_people(town: Town) -> Table:
    title = "People held up on any of their first fourteen nights"
    table = Table("people", "accounts", *STATES, "by cohorts", title=title)
    kinds = sorted({kind for kind in town.kinds if kind.startswith("person")})
    for kind in [*kinds, "person"]:
        count = sum(each.startswith(kind) for each in town.kinds)
        shares = [f"{town.held(state, kind):.2%}" for state in STATES]
        shares.append(f"{town.cohorts(kind):.2%}")
        table.add_row(kind if kind != "person" else "all", f"{count:,}", *shares)
    for night in (1, 2, 3, 5, 7, 10, 14):
        shares = [f"{town.held(state, 'person', night):.2%}" for state in STATES]
        table.add_row(f"all, by night {night}", "", *shares)
    return table


def _table_of_farms(town: Town) -> Table:
    table = Table(
        "farms and replayers",
        "accounts",
        f"stopped in {DAYS_TO_STOP} days",
        "in 14",
        "stopped if all object",
        "coins each",
        title="Programs that it does not know; coins that could have left by the hold",
    )
    for kind in sorted({kind for kind in town.kinds if not kind.startswith("person")}):
        table.add_row(
            kind,
            f"{sum(each == kind for each in town.kinds):,}",
            f"{town.held('as they are', kind, DAYS_TO_STOP):.1%}",
            f"{town.held('as they are', kind):.1%}",
            f"{town.held('untracked', kind, DAYS_TO_STOP):.1%}",
            f"{town.coins(kind):,.0f}",
        )
    return table


def _bars(known: Mapping[str, float], town: Town) -> Bars:
    shares = {name: (100 * share, 0.0) for name, share in known.items()}
    for kind in sorted(set(town.kinds)):
        shares[kind] = (100 * town.held("as they are", kind), 0.0)
    return Bars("Held up", "per cent of a kind's accounts", shares)


def _figures(known: Mapping[str, float], town: Town) -> dict[str, float]:
    people = [share for name, share in known.items() if name.startswith("person")]
    programs = [share for name, share in known.items() if name.startswith("program")]
    recall, wronged = _mean(programs), _mean(people)
    held = {state: town.held(state, "person") for state in STATES}
    assert LEVELS[Band.REVIEW] == 3
    return {
        "balanced_accuracy": round((recall + 1 - wronged) / 2, 4),
        "precision": round(recall / max(recall + wronged, 1e-9), 4),
        "recall": round(recall, 4),
        "humans_at_level_3": round(max(wronged, *held.values()), 4),
        "held_as_is": round(held["as they are"], 4),
        "held_untracked": round(held["untracked"], 4),
        "held_no_token": round(held["no device token"], 4),
        "farm_stopped": round(
            _mean([town.held("as they are", kind, DAYS_TO_STOP) for kind in KINDS_TO_STOP]), 4
        ),
        "farm_coins_each": round(_mean([town.coins(kind) for kind in KINDS_TO_STOP]), 1),
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
