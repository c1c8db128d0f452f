"""The demo's figures of networks, boosts and tasks: shares against weights, completion rates."""

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from models.base.db import Database, connected, rows, sql

# First tries only: what could not be shown goes on along the chain, whatever the weights.
NETWORKS = sql("""
    SELECT a.network, a.weight, v.served, v.verified, v.first, v.revenue_micro_usd
    FROM (SELECT network, max(weight) AS weight FROM ads WHERE is_active GROUP BY network) a
    JOIN (SELECT network, count(*) AS served,
                 count(*) FILTER (WHERE try_number = 1) AS first,
                 count(*) FILTER (WHERE status = 'VERIFIED') AS verified,
                 CAST(COALESCE(sum(revenue_micro_usd) FILTER (WHERE status = 'VERIFIED'), 0)
                      AS bigint) AS revenue_micro_usd
          FROM ad_views GROUP BY network) v ON v.network = a.network
    ORDER BY a.weight DESC
""")

BOOSTS = sql("""
    SELECT count(*) AS begun, count(watched_at) AS watched, count(answered_at) AS answered,
           count(*) FILTER (WHERE status = 'PAID') AS paid
    FROM boosts
""")

TASKS = sql("""
    SELECT category, count(*) AS begun, count(claimed_at) AS claimed
    FROM daily_tasks GROUP BY category ORDER BY category
""")

PEOPLE = sql("""
    SELECT (SELECT count(*) FROM users) AS users,
           (SELECT count(*) FROM (SELECT DISTINCT user_id, day FROM daily_tasks) d) AS task_days,
           (SELECT count(*) FROM achievements) AS champions
""")


class NetworkFigures(Struct, frozen=True):
    """What one network showed and paid. `first` are first tries, which the weights are about."""

    network: str
    weight: int
    served: int
    verified: int
    first: int
    revenue_micro_usd: int


class Figures(Struct, frozen=True):
    """Networks; boosts (begun, watched, answered, paid); tasks (category, begun, claimed)."""

    networks: list[NetworkFigures]
    boosts: tuple[int, int, int, int]
    tasks: list[tuple[str, int, int]]
    users: int
    task_days: int
    champions: int


async def collect_figures(database: Database) -> Figures:
    """Read the figures from the database."""
    async with connected(database) as connection:
        people = (await rows(connection, PEOPLE))[0]
        return Figures(
            networks=[NetworkFigures(**row) for row in await rows(connection, NETWORKS)],
            boosts=tuple((await rows(connection, BOOSTS))[0]),
            tasks=[tuple(row) for row in await rows(connection, TASKS)],
            users=people.users,
            task_days=people.task_days,
            champions=people.champions,
        )


def print_figures(console: Console, figures: Figures, days: int) -> None:
    """Networks against their weights, then how much of what was begun was finished."""
    weights = sum(each.weight for each in figures.networks) or 1
    first = sum(each.first for each in figures.networks) or 1
    revenue = sum(each.revenue_micro_usd for each in figures.networks)
    table = Table("network", "weight", "first tries", "served", "completed", "USD", "of all")
    for each in figures.networks:
        table.add_row(
            each.network,
            f"{each.weight / weights:.1%}",
            f"{each.first / first:.1%}",
            f"{each.served:,}",
            _rate(each.verified, each.served),
            f"{each.revenue_micro_usd / 1_000_000:.2f}",
            _rate(each.revenue_micro_usd, revenue),
        )
    console.print(table)
    per_user = revenue / 1_000_000 / max(1, figures.users * days)
    console.print(f"revenue: {revenue / 1_000_000:.2f} USD, {per_user:.4f} USD a user and day")
    begun, watched, answered, paid = figures.boosts
    table = Table("completion", "begun", "finished", "rate")
    table.add_row("boosts: watched", f"{begun:,}", f"{watched:,}", _rate(watched, begun))
    table.add_row(
        "boosts: answered in time", f"{watched:,}", f"{answered:,}", _rate(answered, watched)
    )
    table.add_row("boosts: paid", f"{begun:,}", f"{paid:,}", _rate(paid, begun))
    for category, started, claimed in figures.tasks:
        name = f"tasks: {category.lower()}"
        table.add_row(name, f"{started:,}", f"{claimed:,}", _rate(claimed, started))
    champions = figures.champions
    days_begun = figures.task_days
    table.add_row(
        "days of tasks: all 20", f"{days_begun:,}", f"{champions:,}", _rate(champions, days_begun)
    )
    console.print(table)


def _rate(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"
