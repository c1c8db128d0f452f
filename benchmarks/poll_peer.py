"""The poll as it is usually written: FastAPI and SQLAlchemy's asyncio engine on PostgreSQL.

The token check, the statement, the rendering and the headers are the engine's own; arranged in the
peer's favour, the answer does not pass through pydantic.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from api.web_base.problems import ProblemError
from api.web_base.services import POOL_SIZE
from api.web_base.tokens import read_access_token
from engine.core.timeline import bucket_of
from engine.status import render_status
from models.base.db import open_database
from models.installation.settings import load_installation
from models.mining.snapshots import SNAPSHOTS, load_snapshots
from runtime.clock import utcnow
from runtime.environment import load_config

_config = load_config(signs=True)
_engine = create_async_engine(
    _config.database_url.replace("postgresql://", "postgresql+asyncpg://", 1),
    pool_size=POOL_SIZE,
    max_overflow=0,
    connect_args={"server_settings": {"jit": "off"}},
)
_sessions = async_sessionmaker(_engine, expire_on_commit=False)
_statement = text(SNAPSHOTS.source)
_encoder = msgspec.json.Encoder()


class _Connection:
    """A session in the shape in which the engine's own code runs statements."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def fetch(self, query: str, *args: Any) -> Any:
        """The rows of the one statement."""
        params = dict(zip(SNAPSHOTS.names, args, strict=True))
        return (await self._session.execute(_statement, params)).all()


@asynccontextmanager
async def _lifespan(application: FastAPI) -> AsyncIterator[None]:
    database = open_database(_config.database_url, pool_size=1, application_name="twtc-peer")
    application.state.table = (await load_installation(database)).table
    await database.dispose()
    yield
    await _engine.dispose()


async def _session() -> AsyncIterator[AsyncSession]:
    async with _sessions() as session:
        yield session


async def _user_id(request: Request) -> int:
    _, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        return read_access_token(_config.secret, token, utcnow()).user_id
    except ProblemError as error:
        raise HTTPException(401) from error


async def status(
    request: Request,
    user_id: Annotated[int, Depends(_user_id)],
    session: Annotated[AsyncSession, Depends(_session)],
) -> Any:
    """What a phone shows."""
    connection: Any = _Connection(session)
    [snapshot] = await load_snapshots(connection, bucket_of(user_id), [user_id])
    body = _encoder.encode(render_status(snapshot, request.app.state.table, utcnow()))
    headers = {
        "ETag": f'"{sha256(body).hexdigest()[:24]}"',
        "Cache-Control": "private, no-cache",
    }
    return Response(body, media_type="application/json", headers=headers)


app = FastAPI(lifespan=_lifespan)
app.add_api_route("/v1/mining/status", status)
