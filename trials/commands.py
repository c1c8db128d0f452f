"""Commands that try the product on servers of their own: tests, demo, simulation, chaos."""

import importlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from ops.ending import end
from ops.running import DATA_DIR

trials = typer.Typer()

_PROJECT = Path(__file__).resolve().parent.parent
_PASSED_THROUGH = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


@trials.command(context_settings=_PASSED_THROUGH)
def test(context: typer.Context) -> None:
    """Run the tests on servers of their own; arguments go to pytest.

    TEST_DATABASE_URL and TEST_REDIS_URL replace the own servers.
    """
    from trials.testing import test

    end(test(context.args))


@trials.command()
def demo(
    population: Annotated[int, typer.Option(min=1, help="How many people.")] = 2000,
    days: Annotated[int, typer.Option(min=1, help="How long they live.")] = 3,
    seed: Annotated[int, typer.Option(help="The same seed gives the same lives.")] = 1,
    keep: Annotated[
        bool, typer.Option("--keep", help="Into the installation that ./run then starts.")
    ] = False,
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="With --keep: where that keeps its data.")
    ] = DATA_DIR,
) -> None:
    """Let a population live some days on a simulated clock, and check the books.

    Without --keep an empty database of DATABASE_URL and one of REDIS_URL replace its own servers.
    """
    if keep:
        from trials.demo.keep import demo_keep

        end(demo_keep(population, days, seed, data, Path("out")))
    from trials.demo.command import demo

    end(demo(population, days, seed))


@trials.command()
def simulate(
    seeds: Annotated[int, typer.Option(min=1, help="How many worlds.")] = 100,
    first: Annotated[int, typer.Option(min=0, help="The number of the first one.")] = 1,
    seed: Annotated[int | None, typer.Option(min=0, help="Only this one, as it was.")] = None,
) -> None:
    """Let seeded worlds fail in every way, and compare their books with a model of the product."""
    from trials.simulation.command import simulate

    end(simulate(seeds, first) if seed is None else simulate(1, seed))


@trials.command()
def chaos(
    faults: Annotated[int, typer.Option(min=0, help="How many.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed plans the same faults.")] = 1,
    phones: Annotated[int, typer.Option(min=1, help="How many people ask meanwhile.")] = 30,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where logs are kept; else they are not.")
    ] = None,
    node: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Data folder of a server here, to be killed as well."),
    ] = None,
) -> None:
    """Kill, stop and cut off everything under live load; check that nothing is lost or doubled.

    DATABASE_URL, REDIS_URL and BROKER_URL, each empty and for this alone, replace its own servers:
    those are cut off, but not killed, except for a cluster's nodes that --node names.
    """
    from trials.chaos.run import chaos

    end(chaos(faults, phones, seed, data, node or ()))


@trials.command(context_settings=_PASSED_THROUGH)
def bench(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="What to measure.")] = "all",
) -> None:
    """Measure one subject, or all of them; further arguments go to it."""
    folder = _PROJECT / "benchmarks"
    subjects = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    runnable = [name for name in subjects if "def main(" in (folder / f"{name}.py").read_text()]
    if subject not in runnable:
        names = ", ".join(runnable) or "none in this installation"
        print(f"bench: there is no subject {subject!r}; there are: {names}", file=sys.stderr)
        end(2)
    end(importlib.import_module(f"benchmarks.{subject}").main(context.args))
