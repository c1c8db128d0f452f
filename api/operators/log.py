"""The trail of what administrators did."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from msgspec import Struct

from api.web_base.etags import PRIVATE
from api.web_base.paging import After, Limit, decode_cursor, encode_cursor
from api.web_base.permissions import needs
from api.web_base.services import Services
from engine.admin.permissions import Permission
from models.base.trail import read_log

UserFilter = Annotated[int | None, QueryParameter(name="user", ge=1, le=2**63 - 1)]
ActorFilter = Annotated[int | None, QueryParameter(name="actor", ge=1, le=2**63 - 1)]


class LogView(Struct, frozen=True):
    """One privileged action. No `actor_id`: an operator at the command line."""

    id: UUID
    actor_id: int | None
    actor_role: str
    ip_address: str | None
    action: str
    subject_kind: str
    subject_id: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str
    created_at: datetime


class LogPage(Struct, frozen=True):
    """Newest first."""

    items: list[LogView]
    next_cursor: str | None


@get("/log", summary="The trail", opt=needs(Permission.LOG_READ), response_headers=PRIVATE)
async def log(
    services: NamedDependency[Services],
    user: UserFilter = None,
    actor_id: ActorFilter = None,
    cursor: After = None,
    limit: Limit = 20,
) -> LogPage:
    """Everything, or what was done to a user, or by one; a page at a time."""
    page = await read_log(services.reading, decode_cursor(cursor), limit, user, actor_id)
    decode = msgspec.json.decode
    items = [
        LogView(**{**row, "before": decode(row.before), "after": decode(row.after)}) for row in page
    ]
    return LogPage(items, encode_cursor(page, limit, "created_at"))


handlers: list[Any] = [log]
