"""What the demo saw: load curve, coins, refusals, verdict; as a table and as a picture."""

from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from engine.core.money import format_amount
from models.base.db import Database, connected, rows, sql
from trials.demo.figures import Figures, collect_figures, print_figures

SLOT = timedelta(minutes=10)
WINDOW_SLOT = timedelta(minutes=24)
BARS = "▁▂▃▄▅▆▇█"

# Ads for sessions: their windows are what the stagger spreads. Tasks are done at any time.
SERVED = sql("""
    SELECT served_at FROM ad_views
    WHERE purpose = 'MINING' AND served_at >= :since AND served_at < :until
""")
COINS = sql("""
    SELECT type, funding, count(*) AS transfers, CAST(sum(amount) AS bigint) AS amount
    FROM transactions GROUP BY type, funding ORDER BY type, funding
""")
REFUSALS = sql("""
    SELECT outcome ->> 'reason' AS reason, count(*) AS refusals FROM intents
    WHERE status = 'REJECTED' GROUP BY 1 ORDER BY 2 DESC
""")
SESSIONS = sql("SELECT status, count(*) AS sessions FROM mining_sessions GROUP BY 1 ORDER BY 1")
VIEWS = sql("SELECT status, count(*) AS views FROM ad_views GROUP BY 1 ORDER BY 1")
SUSPICIONS = sql("""
    SELECT event_type, count(*) AS suspicions FROM fraud_logs GROUP BY 1 ORDER BY 2 DESC, 1
""")
INTENTS = sql("SELECT count(*) AS intents FROM intents WHERE user_id IS NOT NULL")


class Report(Struct, frozen=True):
    """The demo's figures. `load` counts served ads per ten minutes of the middle day; `counts` are
    requests, CAPTCHAs solved, and requests of accounts that were held."""

    counts: tuple[int, int, int]
    intents: int
    load: list[int]
    peak_over_mean: float
    coins: list[tuple[str, str, int, int]]
    refusals: list[tuple[str, int]]
    sessions: list[tuple[str, int]]
    views: list[tuple[str, int]]
    suspicions: list[tuple[str, int]]
    violations: list[str]
    figures: Figures
    days: int


async def collect_report(
    database: Database,
    start: datetime,
    days: int,
    counts: tuple[int, int, int],
    violations: list[str],
) -> Report:
    """Read the figures from the database."""
    middle = start + timedelta(days=days // 2)
    until = middle + timedelta(days=1)
    async with connected(database) as connection:
        served = [
            row.served_at - middle
            for row in await rows(connection, SERVED, {"since": middle, "until": until})
        ]
        per_window = _histogram(served, WINDOW_SLOT)
        mean = sum(per_window) / len(per_window)
        return Report(
            counts=counts,
            intents=(await rows(connection, INTENTS))[0].intents,
            load=_histogram(served, SLOT),
            peak_over_mean=max(per_window) / mean if mean else 0.0,
            coins=[tuple(row) for row in await rows(connection, COINS)],
            refusals=[tuple(row) for row in await rows(connection, REFUSALS)],
            sessions=[tuple(row) for row in await rows(connection, SESSIONS)],
            views=[tuple(row) for row in await rows(connection, VIEWS)],
            suspicions=[tuple(row) for row in await rows(connection, SUSPICIONS)],
            violations=violations,
            figures=await collect_figures(database),
            days=days,
        )


def _histogram(offsets: list[timedelta], slot: timedelta) -> list[int]:
    counts = [0] * int(timedelta(days=1) / slot)
    for offset in offsets:
        counts[int(offset / slot)] += 1
    return counts


def print_report(console: Console, report: Report) -> None:
    """The figures as tables, the load as bars."""
    console.print("\n[bold]Ads for sessions per 10 minutes, middle day[/bold] (six hours a line)")
    peak = max(report.load) or 1
    for hour in range(0, 24, 6):
        line = report.load[hour * 6 : (hour + 6) * 6]
        bars = "".join(BARS[count * (len(BARS) - 1) // peak] for count in line)
        console.print(f"  {hour:02d}:00  {bars}  {min(line)} to {max(line)}")
    console.print(f"  peak / mean per 24 minutes: [bold]{report.peak_over_mean:.3f}[/bold]\n")
    table = Table("coins", "funding", "transfers", "TWTC")
    for kind, funding, count, amount in report.coins:
        table.add_row(kind, funding, f"{count:,}", format_amount(amount))
    console.print(table)
    print_figures(console, report.figures, report.days)
    table = Table("what became of", "", "count")
    groups = (("sessions", report.sessions), ("ad views", report.views))
    refused = (("refused intents", report.refusals), ("suspicions", report.suspicions))
    for name, pairs in (*groups, *refused):
        for label, count in pairs:
            table.add_row(name, label, f"{count:,}")
            name = ""
    console.print(table)
    requests, captchas, turned_away = report.counts
    console.print(f"{requests:,} requests, {report.intents:,} intents of members")
    console.print(
        f"{captchas:,} CAPTCHAs solved, {turned_away:,} requests of accounts that are held"
    )
    verdict = "[green]clean[/green]" if not report.violations else f"[red]{report.violations}[/red]"
    console.print(f"audit: {verdict}")


def write_svg(report: Report, path: Path) -> Path:
    """The load curve as a picture. Return where it is."""
    width, height, left, bottom = 960, 320, 48, 32
    peak = max(report.load) or 1
    step = (width - left) / len(report.load)
    scale = (height - bottom - 24) / peak
    bars = "".join(
        f'<rect x="{left + i * step:.1f}" y="{height - bottom - count * scale:.1f}" '
        f'width="{step * 0.85:.2f}" height="{count * scale:.1f}"/>'
        for i, count in enumerate(report.load)
    )
    hours = "".join(
        f'<text x="{left + hour * 6 * step:.1f}" y="{height - 10}">{hour:02d}:00</text>'
        for hour in range(0, 24, 4)
    )
    title = (
        f"Ads for sessions per 10 minutes · peak / mean per 24 minutes {report.peak_over_mean:.3f}"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="13" fill="#334155">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text x="{left}" y="16" font-weight="bold">{title}</text>'
        f'<text x="8" y="{height - bottom - peak * scale + 12:.1f}">{peak}</text>'
        f'<g fill="#0d9488">{bars}</g>{hours}</svg>\n'
    )
    return path
