"""Commands that try the product on servers of their own: the demo, the simulation, chaos."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ops.running import DATA_DIR

trials = typer.Typer()


def end(status: int) -> NoReturn:
    """End the command with this exit status."""
    raise typer.Exit(status)


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
        from ops.demo_keep import demo_keep

        end(demo_keep(population, days, seed, data, Path("out")))
    from ops.demo import demo

    end(demo(population, days, seed))


@trials.command()
def simulate(
    seeds: Annotated[int, typer.Option(min=1, help="How many worlds.")] = 100,
    first: Annotated[int, typer.Option(min=0, help="The number of the first one.")] = 1,
    seed: Annotated[int | None, typer.Option(min=0, help="Only this one, as it was.")] = None,
) -> None:
    """Let seeded worlds fail in every way, and compare their books with a model of the product."""
    from ops.simulation.command import simulate

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
    from ops.chaos.run import chaos

    end(chaos(faults, phones, seed, data, node or ()))
