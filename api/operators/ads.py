"""The ad units: which network shows what, how often, and for how much."""

from collections import Counter
from typing import Annotated, Any, Literal

from asyncpg import IntegrityConstraintViolationError
from litestar import get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter
from msgspec import Meta, Struct
from msgspec.structs import asdict

from api.operators.words import Reason
from api.web_base.documentation import problems
from api.web_base.etags import PRIVATE
from api.web_base.permissions import needs
from api.web_base.problems import ProblemError, bad_request, not_found
from api.web_base.services import Services
from engine.admin.permissions import Permission
from engine.ads.state import Proof, Purpose
from engine.core.text import line
from models.ads.units import add_ad_unit, change_ad_unit, read_ad_units
from models.base.trail import Actor
from runtime.clock import utcnow

Unit = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\w./-]+\Z")]
Seconds = Annotated[int, Meta(ge=1, le=600)]
Weight = Annotated[int, Meta(ge=0, le=10_000)]
Rank = Annotated[int, Meta(ge=1, le=100)]
Quota = Annotated[int, Meta(ge=0, le=1_000_000)]
Price = Annotated[int, Meta(ge=0, le=10**9)]
AdId = Annotated[int, PathParameter(ge=1, le=2**31 - 1)]


class AdUnitView(Struct, frozen=True):
    """A unit of a network, for sessions or for tasks."""

    id: int
    network: str
    unit: str
    type: str
    purpose: str
    min_seconds: int
    proof: str
    weight: int
    fallback_rank: int
    requests_per_minute: int | None
    revenue_micro_usd: int
    is_active: bool


class AdUnitChange(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to change, and why; null leaves it. 0 requests a minute mean no limit."""

    reason: Reason
    unit: Unit | None = None
    min_seconds: Seconds | None = None
    proof: Proof | None = None
    weight: Weight | None = None
    fallback_rank: Rank | None = None
    requests_per_minute: Quota | None = None
    revenue_micro_usd: Price | None = None
    is_active: bool | None = None


class NewAdUnit(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A further unit of a network, and why. 0 requests a minute mean no limit."""

    reason: Reason
    network: Annotated[str, line(40, 1)]
    unit: Unit
    type: Literal["VIDEO", "INTERSTITIAL", "REWARDED"]
    purpose: Purpose
    min_seconds: Seconds
    proof: Proof
    weight: Weight
    fallback_rank: Rank
    requests_per_minute: Quota = 0
    revenue_micro_usd: Price
    is_active: bool


class NetworkView(Struct, frozen=True):
    """A network. One that is not `is_verified` has no secret here to check its callbacks with."""

    name: str
    units: int
    is_verified: bool


@get("/ads", summary="Ad units", opt=needs(Permission.ADS_EDIT), response_headers=PRIVATE)
async def ads(services: NamedDependency[Services]) -> list[AdUnitView]:
    """All of them, in the order of their chains."""
    return [AdUnitView(**row) for row in await read_ad_units(services.database)]


@get("/networks", summary="Ad networks", opt=needs(Permission.ADS_EDIT), response_headers=PRIVATE)
async def networks(services: NamedDependency[Services]) -> list[NetworkView]:
    """Those that are understood here, and those that have units."""
    return await _networks(services)


@post("/ads", summary="Add an ad unit", opt=needs(Permission.ADS_EDIT), responses=problems(409))
async def add(
    data: JSONBody[NewAdUnit], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> AdUnitView:
    """Served from the next view on, if it is active."""
    known = [network.name for network in await _networks(services)]
    if data.network not in known:
        raise bad_request(f"network must be one of {', '.join(known)}.")
    unit: dict[str, Any] = asdict(data)
    reason = unit.pop("reason")
    try:
        added_id = await add_ad_unit(services.database, unit, actor, reason, utcnow())
    except IntegrityConstraintViolationError:
        raise _impossible() from None
    units = await read_ad_units(services.database)
    return next(AdUnitView(**row) for row in units if row.id == added_id)


async def _networks(services: Services) -> list[NetworkView]:
    counts = Counter(row.network for row in await read_ad_units(services.database))
    verified = services.networks.keys()
    return [NetworkView(name, counts[name], name in verified) for name in sorted(verified | counts)]


@patch(
    "/ads/{ad_id:int}",
    status_code=204,
    summary="Change an ad unit",
    opt=needs(Permission.ADS_EDIT),
    responses=problems(409),
)
async def change(
    ad_id: AdId,
    data: JSONBody[AdUnitChange],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> None:
    """From its next view on; views under way keep what they were served with."""
    changes: dict[str, Any] = asdict(data)
    reason = changes.pop("reason")
    try:
        found = await change_ad_unit(services.database, ad_id, changes, actor, reason, utcnow())
    except IntegrityConstraintViolationError:
        raise _impossible() from None
    if not found:
        raise not_found("ad unit")


def _impossible() -> ProblemError:
    detail = "Another unit has this name, or it cannot be so."
    return ProblemError("conflict", "Not possible now", 409, detail)


handlers: list[Any] = [ads, networks, add, change]
