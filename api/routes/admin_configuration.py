"""The configuration: what holds, what held, and the next version."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.documentation import problems
from api.permissions import needs
from api.problems import ProblemError
from api.routes.admin_users import Reason
from api.routes.me import PRIVATE
from api.services import Services
from engine.configuration import Configuration, ConfigurationError, in_force
from engine.permissions import Permission
from engine.text import Dated
from models.admin_log import Actor
from models.clock import utcnow
from models.configuration import (
    VersionConflictError,
    change_configuration,
    read_versions,
    version_of,
)


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
    summary="Change the configuration",
    responses=problems(409),
    opt=needs(Permission.CONFIGURATION_CHANGE),
)
async def change(
    data: JSONBody[Change], services: NamedDependency[Services], actor: NamedDependency[Actor]
) -> VersionView:
    """Add a version. It holds from five minutes on at the earliest, and never for what was before.

    A day's tasks and bonus are those of its midnight.
    """
    now, since = utcnow(), data.effective_from
    try:
        version = await change_configuration(
            services.database, actor, data.after, data.settings, data.reason, since, now
        )
    except ConfigurationError as error:
        raise ProblemError("bad-request", "Bad request", 400, f"{error}.") from None
    except VersionConflictError:
        raise ProblemError(
            "conflict", "Changed meanwhile", 409, "There is a newer version. Read it first."
        ) from None
    row = (await read_versions(services.database))[version.number - 1]
    return VersionView(
        version.number,
        version.effective_from,
        version.settings,
        msgspec.json.decode(row.changed),
        row.author_id,
        row.reason,
        row.created_at,
    )


handlers: list[Any] = [configuration, change]
