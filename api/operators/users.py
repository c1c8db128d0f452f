"""Users as a list, and their standing: switch off and on, give a role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter
from msgspec import Struct

from api.operators.words import Reason, UserId, WhyBody
from api.web_base.etags import PRIVATE
from api.web_base.paging import Limit
from api.web_base.permissions import needs
from api.web_base.problems import ProblemError, not_found
from api.web_base.services import Services
from engine.admin.permissions import Permission
from engine.core.role import Role
from models.admin.roles import NoSuchUserError, NotAllowedError, list_users, set_active, set_role
from models.admin.staff import Standing
from models.base.db import Row
from models.base.trail import Actor
from runtime.clock import utcnow


class RoleBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The new role, and why."""

    role: Role
    reason: Reason


class UserRow(Struct, frozen=True):
    """A user in a list; nothing personal."""

    id: int
    role: Role
    is_active: bool
    group_number: int
    created_at: datetime
    last_login_at: datetime | None


class UserPage(Struct, frozen=True):
    """By id. `next_after` is the `after` of the page that follows."""

    items: list[UserRow]
    next_after: int | None


class StandingView(Struct, frozen=True):
    """What has become of a user."""

    id: int
    role: Role
    is_active: bool


@get(
    "/users",
    summary="Users",
    opt=needs(Permission.USERS_READ),
    response_headers=PRIVATE,
)
async def users(
    services: NamedDependency[Services],
    after: Annotated[int, QueryParameter(name="after", ge=0, le=2**63 - 1)] = 0,
    role: Annotated[Role | None, QueryParameter(name="role")] = None,
    limit: Limit = 20,
) -> UserPage:
    """All users by id, or those of one role above `user`, a page at a time."""
    found = await list_users(services.database, after, limit, role)
    items = [UserRow(**_row(row)) for row in found]
    return UserPage(items, items[-1].id if len(items) == limit else None)


@post(
    "/users/{subject_id:int}/disable",
    status_code=200,
    summary="Switch an account off",
    opt=needs(Permission.USERS_DISABLE),
)
async def disable(
    subject_id: UserId,
    data: JSONBody[WhyBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> StandingView:
    """From now on it earns nothing, also by what it recorded before, and cannot sign in."""
    async with explained():
        standing = await set_active(
            services.database, services.copies, actor, subject_id, False, data.reason, utcnow()
        )
    return _standing(subject_id, standing)


@post(
    "/users/{subject_id:int}/enable",
    status_code=200,
    summary="Switch an account on",
    opt=needs(Permission.USERS_DISABLE),
)
async def enable(
    subject_id: UserId,
    data: JSONBody[WhyBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> StandingView:
    """It is in use again."""
    async with explained():
        standing = await set_active(
            services.database, services.copies, actor, subject_id, True, data.reason, utcnow()
        )
    return _standing(subject_id, standing)


@post(
    "/users/{subject_id:int}/role",
    status_code=200,
    summary="Give a role",
    opt=needs(Permission.ROLES_GRANT),
)
async def give_role(
    subject_id: UserId,
    data: JSONBody[RoleBody],
    services: NamedDependency[Services],
    actor: NamedDependency[Actor],
) -> StandingView:
    """Only roles below one's own, to users below oneself; a superadmin's reach is everybody else.

    Nobody alone makes an admin or superadmin: that is proposed, and approved by another. It holds
    from the user's next request on.
    """
    async with explained():
        standing = await set_role(
            services.database,
            services.copies,
            actor,
            subject_id,
            data.role,
            data.reason,
            utcnow(),
        )
    return _standing(subject_id, standing)


def _row(row: Row) -> dict[str, Any]:
    names = ("id", "role", "is_active", "group_number", "created_at", "last_login_at")
    return {name: row[name] for name in names} | {"role": Role(row.role)}


def _standing(user_id: int, standing: Standing) -> StandingView:
    return StandingView(user_id, standing.role, standing.is_active)


@asynccontextmanager
async def explained() -> AsyncIterator[None]:
    """Turn what the models refuse into problems."""
    try:
        yield
    except NotAllowedError as error:
        raise ProblemError("forbidden", "Not allowed", 403, str(error)) from None
    except NoSuchUserError:
        raise not_found("user") from None


handlers: list[Any] = [users, disable, enable, give_role]
