"""The configuration: what holds, what held, and the next version."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.operators.pay import PayProposalView, propose_pay
from api.operators.words import Reason
from api.web_base.documentation import problems
from api.web_base.etags import PRIVATE
from api.web_base.permissions import needs
from api.web_base.services import Services
from engine.admin.configuration import Configuration
from engine.admin.permissions import Permission
from engine.core.text import Dated
from engine.core.versions import in_force
from models.base.trail import Actor
from models.content.pay_proposals import NewVersion
from models.installation.configuration import read_versions, version_of
from runtime.clock import utcnow


class VersionView(Struct, frozen=True):
    """One version; `changed` names what it changed, as [before, after]. Amounts in micro-TWTC."""

    version: int
    effective_from: datetime
    settings: Configuration
    changed: dict[str, list[Any]]
    author_id: int | None
    reason: str
    created_at: datetime


class ConfigurationView(Struct, frozen=True):
    """What holds now, and every version, newest first."""

    in_force: Configuration
    versions: list[VersionView]


class Change(Dated, frozen=True, forbid_unknown_fields=True):
    """The whole next configuration. `after` is the version that it was made from."""

    after: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    settings: Configuration
    reason: Reason
    effective_from: datetime | None = None


@get(
    "/configuration",
    summary="The configuration and its history",
    opt=needs(Permission.CONFIGURATION_READ),
    response_headers=PRIVATE,
)
async def configuration(services: NamedDependency[Services]) -> ConfigurationView:
    """Rates, limits, mix and vesting, as they hold and held."""
    found = await read_versions(services.database)
    versions = [version_of(row) for row in found]
    views = [
        VersionView(
            row.version,
            row.effective_from,
            version.settings,
            msgspec.json.decode(row.changed),
            row.author_id,
            row.reason,
            row.created_at,
        )
        for row, version in zip(found, versions, strict=True)
    ]
    return ConfigurationView(in_force(versions, utcnow()), views[::-1])


@post(
    "/configuration",
    status_code=202,
    summary="Propose the next version of the configuration",
    responses=problems(409),
    opt=needs(Permission.CONFIGURATION_CHANGE),
)
async def change(
    data: JSONBody[Change], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> PayProposalView:
    """A colleague has to approve it within a week.

    It holds from five minutes after that at the earliest, and never for what was before. A day's
    tasks and bonus are those of its midnight.
    """
    version = NewVersion(data.after, data.settings, data.effective_from)
    proposal = await propose_pay(services, version, actor, data.reason)
    assert proposal is not None  # every version is about pay
    return proposal


handlers: list[Any] = [configuration, change]
