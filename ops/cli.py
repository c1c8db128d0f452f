"""The `twtc` command. What a command needs is imported when it is used."""

import importlib
import importlib.util
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ops.ending import end

app = typer.Typer(
    name="twtc",
    help="TWTC Engine: attention in, coins out, nothing lost, nothing paid twice.\n\n"
    "In a checkout there are also `./run lint` (style, types, links) and `./run docs` (the site).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_PROJECT = Path(__file__).resolve().parent.parent


class Profile(StrEnum):
    """Which timing to run with."""

    development = "development"
    production = "production"


@app.command()
def up(
    profile: Annotated[
        Profile, typer.Option(help="development: the same rules, a 4-hour cycle in 4 minutes.")
    ] = Profile.development,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the API.")] = 8000,
    partner_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port of the local ad partner.")
    ] = 8100,
    dashboard_port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port of the queue dashboard.")
    ] = 9181,
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Where data, secrets and logs are kept.")
    ] = _PROJECT / ".data",
) -> None:
    """Start everything here, until Ctrl-C. DATABASE_URL and REDIS_URL replace the own servers."""
    from ops.local.up import Ports, up

    end(up(profile.value, data, Ports(port, partner_port, dashboard_port)))


@app.command()
def openapi() -> None:
    """Print the OpenAPI document of the API."""
    from ops.commands.document import document

    end(document())


@app.command()
def release() -> None:
    """Migrate and seed the database of DATABASE_URL."""
    from ops.commands.release import release

    end(release())


@app.command()
def distribute() -> None:
    """Spread the tables of DATABASE_URL over its Citus cluster: once, with all else stopped."""
    from ops.commands.distribute import distribute

    end(distribute())


@app.command()
def reseal() -> None:
    """Seal all personal data under the first of TWTC_PII_KEYS: after a new one was put there.

    Of the system of DATABASE_URL and REDIS_URL, or the one that ./run runs here.
    """
    from ops.commands.reseal import reseal

    end(reseal())


@app.command()
def upkeep(
    name: Annotated[
        str,
        typer.Argument(help="credit, settle, remind, reset, partitions, prune, videos, …"),
    ],
    at: Annotated[
        str | None, typer.Option(metavar="BOUNDARY", help="An instant, e.g. 2026-03-01T00:10:00Z.")
    ] = None,
) -> None:
    """Record a timetable entry by hand or from cron: the same intent as the clock's.

    For the system of DATABASE_URL and REDIS_URL, or the one that ./run runs here.
    """
    from ops.commands.upkeep import upkeep

    end(upkeep(name, at))


@app.command()
def audit() -> None:
    """Check every invariant of the books. Exit with 1 if one is broken.

    Of the system of DATABASE_URL and REDIS_URL, or the one that ./run runs here.
    """
    from ops.commands.audit import audit

    end(audit())


class Watched(StrEnum):
    """Which program's processes leave signs of life."""

    web = "web"
    worker = "worker"
    clock = "clock"


@app.command()
def health(program: Annotated[Watched, typer.Argument(help="Whose event loops to ask.")]) -> None:
    """Tell whether a program is alive on this machine. Exit with 1 and the reason if not."""
    from ops.commands.health import health

    end(health(program.value))


@app.command()
def dead_letters(
    letter: Annotated[
        str | None,
        typer.Argument(metavar="BUCKET/ID", help="The one to try again, as the list names it."),
    ] = None,
) -> None:
    """List intents that failed too often, or requeue one of them.

    Of the system of DATABASE_URL and REDIS_URL, or the one that ./run runs here.
    """
    from ops.commands.dead_letters import dead_letters

    end(dead_letters(letter))


@app.command()
def review(
    task: Annotated[
        str | None, typer.Argument(metavar="NAME", help="As the list names it.")
    ] = None,
    verdict: Annotated[
        bool | None, typer.Option("--approve/--refuse", help="The verdict on that task.")
    ] = None,
    reviewer: Annotated[str, typer.Option(help="Who judges.")] = "operator",
) -> None:
    """List social tasks that await a moderator, or judge one of them.

    Of the system of DATABASE_URL and REDIS_URL, or the one that ./run runs here.
    """
    from ops.commands.review import review

    end(review(task, verdict, reviewer))


@app.command()
def ads(
    ad_id: Annotated[int | None, typer.Argument(metavar="ID", help="The unit to change.")] = None,
    unit: Annotated[str | None, typer.Option(help="Its name at the network.")] = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether it is served.")
    ] = None,
    weight: Annotated[int | None, typer.Option(min=0, help="Its share of first tries.")] = None,
    fallback: Annotated[int | None, typer.Option(min=0, help="Its turn in the chain.")] = None,
    seconds: Annotated[int | None, typer.Option(min=1, max=600, help="How long it lasts.")] = None,
    proof: Annotated[str | None, typer.Option(help="CLIENT_TIMED, NETWORK_SIGNED or BOTH.")] = None,
    requests: Annotated[
        int | None, typer.Option(min=0, help="Requests a minute; 0 for no limit.")
    ] = None,
    revenue: Annotated[int | None, typer.Option(min=0, help="Micro-USD a verified view.")] = None,
) -> None:
    """List the ad units, or change one from its next ad on.

    Of the system of DATABASE_URL and REDIS_URL, or the one that ./run runs here.
    """
    from ops.commands.ads import ads

    changes = {
        "unit": unit,
        "is_active": active,
        "weight": weight,
        "fallback_rank": fallback,
        "min_seconds": seconds,
        "proof": proof,
        "requests_per_minute": requests,
        "revenue_micro_usd": revenue,
    }
    end(ads(ad_id, changes))


@app.command()
def facts(
    day: Annotated[
        str | None, typer.Argument(metavar="DAY", help="As 2026-03-01; by default yesterday.")
    ] = None,
    compute: Annotated[bool, typer.Option("--compute", help="Compute it now, or anew.")] = False,
) -> None:
    """Print the figures of a day: people, coins, ads and revenue, boosts, tasks, retention.

    Of the system of DATABASE_URL and REDIS_URL, or the one that ./run runs here.
    """
    from ops.commands.facts import facts

    end(facts(day, compute=compute))


admin = typer.Typer(help="Roles of users, and what takes two people.", no_args_is_help=True)
app.add_typer(admin, name="admin")


@admin.command()
def grant(
    who: Annotated[str, typer.Argument(metavar="USER", help="E-mail address, phone number or id.")],
    role: Annotated[str, typer.Argument(help="user, vip, moderator, admin or superadmin.")],
    reason: Annotated[str, typer.Option(help="Kept in the trail.")] = "command line",
) -> None:
    """Give a user a role. How the first superadmin comes to be.

    Of the system of DATABASE_URL and REDIS_URL, or the one that ./run runs here.
    """
    from ops.commands.admin import grant

    end(grant(who, role, reason))


@admin.command()
def approve(
    proposal: Annotated[
        str | None,
        typer.Argument(metavar="PROPOSAL", help="Its id; without one, those that are open."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Kept in the trail.")] = "command line",
) -> None:
    """Approve what one of the staff proposed to change of what is paid: your own hand, alone.

    Of the system of DATABASE_URL and REDIS_URL, or the one that ./run runs here.
    """
    from ops.commands.admin import approve

    end(approve(proposal, reason))


# What tries the product is in a checkout alone.
if importlib.util.find_spec("trials") is not None:
    app.add_typer(importlib.import_module("trials.commands").trials)


if __name__ == "__main__":
    app()
