"""What the product brought in and gave out, day by day (decision 0024)."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Struct

from api.web_base.days import OF_DAY, day_of
from api.web_base.etags import PRIVATE
from api.web_base.permissions import needs
from api.web_base.problems import bad_request
from api.web_base.services import Services
from engine.admin.permissions import Permission
from engine.core.money import format_amount
from engine.core.timeline import utc_day
from engine.operations.facts import DayFacts
from models.operations.facts import read_days
from runtime.clock import utcnow

DAYS_MAX = 366
Since = Annotated[str | None, QueryParameter(name="since", description="First UTC day.", **OF_DAY)]
Until = Annotated[str | None, QueryParameter(name="until", description="Last UTC day.", **OF_DAY)]


class DayView(Struct, frozen=True):
    """A day: coins issued and dollars earned as decimal strings, all figures, the ratios."""

    day: date
    coins: str
    usd: str
    figures: Mapping[str, Mapping[str, int]]
    ratios: Mapping[str, float | None]


@get(
    "/facts",
    summary="The figures of days",
    opt=needs(Permission.FACTS_READ),
    response_headers=PRIVATE,
)
async def facts(
    services: NamedDependency[Services], since: Since = None, until: Until = None
) -> list[DayView]:
    """Days that have been computed, the latest last; thirty days without dates."""
    return [_view(found) for found in await _read(services, since, until)]


class TodayView(Struct, frozen=True):
    """The figures of a day that is not over, as of an instant. What only a whole day tells is
    left out."""

    as_of: datetime
    so_far: DayView


@get(
    "/facts/today",
    summary="The figures of today so far",
    opt=needs(Permission.FACTS_READ),
    response_headers=PRIVATE,
)
async def facts_today(services: NamedDependency[Services]) -> TodayView:
    """Counted from midnight UTC on, at most a minute ago."""
    found = await services.today.at(utcnow())
    return TodayView(found.as_of, _view(found.facts))


@get(
    "/facts.csv",
    summary="The figures of days, as a table",
    opt=needs(Permission.FACTS_READ),
    media_type="text/csv",
)
async def facts_table(
    services: NamedDependency[Services], since: Since = None, until: Until = None
) -> Response[str]:
    """A row for each figure: day, name, label, value. Amounts are in millionths."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["day", "name", "label", "value"])
    for found in await _read(services, since, until):
        for (name, label), value in sorted(found.values.items()):
            writer.writerow([found.day.isoformat(), name, label, value])
    headers = {"Content-Disposition": 'attachment; filename="twtc-facts.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


async def _read(services: Services, since: str | None, until: str | None) -> Sequence[DayFacts]:
    last = day_of(until) if until else utc_day(utcnow())
    first = day_of(since) if since else last - timedelta(days=29)
    if not 0 <= (last - first).days < DAYS_MAX:
        raise bad_request(f"Ask for 1 to {DAYS_MAX} days, the first one first.")
    return await read_days(services.reading, first, last)


def _view(found: DayFacts) -> DayView:
    names = {name for name, _ in found.values}
    return DayView(
        day=found.day,
        coins=format_amount(found.total("coins_micro")),
        usd=format_amount(found.total("revenue_micro_usd")),
        figures={name: found.by_label(name) for name in sorted(names)},
        ratios=found.ratios(),
    )


handlers = [facts, facts_today, facts_table]
