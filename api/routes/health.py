"""Whether the process lives, and whether it can do its work."""

from typing import Any

from litestar import Response, Router, get
from litestar.di import NamedDependency
from msgspec import Struct
from redis.exceptions import RedisError

from api.limits import UNLIMITED
from api.permissions import PUBLIC
from api.services import Services
from models.db import DATABASE_ERRORS, connected, run, sql


class Health(Struct, frozen=True):
    """`postgresql` and `redis`: up or down. Without Redis the service is slower, not wrong."""

    status: str
    postgresql: str
    redis: str


@get("/healthz", summary="Liveness", sync_to_thread=False)
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/readyz", summary="Readiness")
async def readyz(services: NamedDependency[Services]) -> Response[Health]:
    """200 while intents can be recorded; 503 while PostgreSQL is away."""
    postgresql, redis = True, True
    try:
        async with connected(services.database) as connection:
            await run(connection, sql("SELECT 1"))
    except DATABASE_ERRORS:
        postgresql = False
    try:
        await services.redis.ping()
    except (RedisError, OSError):
        redis = False
    status = "ready" if postgresql and redis else "degraded" if postgresql else "unavailable"
    words = {True: "up", False: "down"}
    health = Health(status, words[postgresql], words[redis])
    return Response(health, status_code=200 if postgresql else 503)


handlers: list[Any] = [healthz, readyz]
router = Router("/", route_handlers=handlers, tags=["operations"], opt=PUBLIC | UNLIMITED)
