"""Whether the process lives, and whether it can do its work."""

from typing import Any

from asyncpg import TargetServerAttributeNotMatched
from litestar import Response, Router, get
from litestar.di import NamedDependency
from msgspec import Struct
from redis.exceptions import RedisError

from api.web_base.admission import ALWAYS
from api.web_base.limits import UNLIMITED
from api.web_base.permissions import PUBLIC
from api.web_base.services import Services
from models.base.db import DATABASE_ERRORS
from models.schema.readiness import Migrations, can_record, count_nodes_away, read_migrations
from runtime.telemetry.meter import meter
from runtime.telemetry.metrics import LOOP_LAG

UP, DOWN = "up", "down"


class Liveness(Struct, frozen=True):
    """`loop_lag_ms`: how late the event loop has run what was due, at its worst of two seconds."""

    status: str
    loop_lag_ms: int


class Health(Struct, frozen=True):
    """`postgresql` and `redis`: up or down; `migrations`: current, behind, ahead or unknown.

    Without Redis or a replica the service is slower, not wrong. `reasons` says what is amiss, and
    what to do.
    """

    status: str
    postgresql: str
    redis: str
    migrations: str
    reasons: list[str]


@get("/healthz", summary="Liveness", sync_to_thread=False)
def healthz() -> Liveness:
    """The process lives: its event loop, which serves everybody, has come to answer this."""
    return Liveness("ok", round(meter.value(LOOP_LAG, "web") * 1000))


@get("/readyz", summary="Readiness")
async def readyz(services: NamedDependency[Services]) -> Response[Health]:
    """200 while intents can be recorded; 503 while they cannot."""
    postgresql, migrations, faults = await _look_at_postgresql(services)
    redis, reasons = UP, list(faults)
    try:
        await services.redis.ping()
    except (RedisError, OSError) as error:
        redis = DOWN
        reasons.append(f"Redis does not answer ({type(error).__name__}): slower, not wrong")
    if services.replica is not None and services.replica.fault:
        reasons.append(f"the replica {services.replica.fault}: the primary answers for it")
    away = 0 if faults else await count_nodes_away(services.database)
    if away:
        reasons.append(f"nodes of the cluster that do not answer: {away}; their members wait")
    status = "unavailable" if faults else "degraded" if reasons else "ready"
    health = Health(status, postgresql, redis, migrations, reasons)
    return Response(health, status_code=503 if faults else 200)


async def _look_at_postgresql(services: Services) -> tuple[str, str, list[str]]:
    """Whether it answers, where its migrations stand, and why nothing can be recorded."""
    faults = []
    try:
        migrations = await read_migrations(services.database)
        if migrations is Migrations.BEHIND:
            faults.append("the database is behind this release: run `twtc release`")
        elif not await can_record(services.database):
            faults.append("PostgreSQL does not take writes: a replica, read-only, or no privilege")
    except TargetServerAttributeNotMatched:
        return DOWN, "unknown", ["PostgreSQL does not take writes: a replica, or read-only"]
    except DATABASE_ERRORS as error:
        return DOWN, "unknown", [f"PostgreSQL does not answer ({type(error).__name__})"]
    return UP, migrations.value, faults


handlers: list[Any] = [healthz, readyz]
router = Router("/", route_handlers=handlers, tags=["operations"], opt=PUBLIC | UNLIMITED | ALWAYS)
