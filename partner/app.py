"""The partner's application: countdown ads, their callbacks, and the films of our own."""

import asyncio
import html
import math
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from string import Template
from typing import Annotated, Any

import httpx
import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct

from api.networks.contract import NONCE
from api.web_base.pieces import answering_in_pieces
from api.web_base.problems import MEDIA_TYPE, TYPE_PREFIX, on_http_exception
from api.web_base.requests import JSONRequest
from partner.hosting import host_film
from partner.showings import Delivery, Partner
from partner.texts import choose_language, texts_of
from runtime.clock import utcnow

BODY_BYTES_MAX = 4096

_NONCE = rf"^{NONCE.pattern}\Z"
# Litestar enforces these only in its own markers, not in msgspec's Meta.
Unit = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]
QueryNonce = Annotated[str, QueryParameter(pattern=_NONCE)]
QuerySeconds = Annotated[int, QueryParameter(ge=1, le=120)]
QuerySignature = Annotated[str, QueryParameter(pattern=r"^[0-9a-f]{64}(?:,[0-9a-f]{64}){0,3}\Z")]


class PartnerConfigError(ValueError):
    """The environment is incomplete; the message says what to set."""


class FinishBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The nonce that the ad was shown with."""

    nonce: Annotated[str, Meta(pattern=_NONCE)]


@get("/ads/{unit:str}", media_type="text/html")
async def show(
    unit: Unit,
    nonce: QueryNonce,
    seconds: QuerySeconds,
    signature: QuerySignature,
    request: Request[Any, Any, State],
    state: State,
    partner: NamedDependency[Partner],
) -> Response[str] | Response[bytes]:
    """The ad's page, for as long as the publisher asked. Its time runs from here, by our clock."""
    if not partner.is_asked_for(unit, nonce, seconds, signature):
        detail = "The address is not as the publisher signed it. Ask the app for the ad again."
        return _problem(403, "ad-page-signature", "Ad page not genuine", detail)
    showing = partner.start(unit, nonce, seconds)
    language = choose_language(request.headers.get("accept-language", ""))
    csp_nonce = secrets.token_urlsafe(16)
    values = texts_of(language) | {
        "csp_nonce": csp_nonce,
        "nonce": nonce,
        "seconds": str(showing.seconds),
        "left": str(math.ceil(showing.left(partner.monotonic()))),
    }
    page: Template = state.page
    escaped = {name: html.escape(value) for name, value in values.items()}
    return Response(page.substitute(escaped), headers=_page_headers(csp_nonce, language))


def _page_headers(csp_nonce: str, language: str) -> dict[str, str]:
    # Any publisher's app may frame an ad, so frame-ancestors stays open.
    policy = (
        f"default-src 'none'; script-src 'nonce-{csp_nonce}'; style-src 'nonce-{csp_nonce}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"
    )
    return {
        "Content-Security-Policy": policy,
        "Content-Language": language,
        "Vary": "Accept-Language",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


@post("/ads/{unit:str}/finish", status_code=200)
async def finish(
    unit: Unit,
    data: JSONBody[FinishBody],
    partner: NamedDependency[Partner],
) -> Response[dict[str, str]] | Response[bytes]:
    """Watched to the end: send the callback. Again is harmless; too early is refused."""
    showing = partner.find(unit, data.nonce)
    if showing is None:
        return _problem(404, "ad-not-shown", "Ad not shown", "Open the ad's page first.")
    left = showing.left(partner.monotonic())
    if left > 0:
        whole = math.ceil(left)
        return _problem(
            409,
            "ad-not-finished",
            "Ad not finished",
            f"Watch the ad for {whole} more s.",
            {"seconds_left": whole},
        )
    delivery = await partner.deliver(unit, data.nonce, showing)
    if delivery is Delivery.REFUSED:
        detail = "The API refused the callback; the partner's log says why."
        return _problem(502, "callback-refused", "Callback refused", detail)
    if delivery is Delivery.UNDELIVERED:
        detail = "The API could not be reached. Send this request again."
        return _problem(502, "callback-undelivered", "Callback not delivered", detail)
    return Response({"status": "completed", "callback": delivery.value})


def _problem(
    status: int, slug: str, title: str, detail: str, extra: Mapping[str, int] | None = None
) -> Response[bytes]:
    fields: dict[str, object] = {
        "type": TYPE_PREFIX + slug,
        "title": title,
        "status": status,
        "detail": detail,
        **(extra or {}),
    }
    headers = {"Retry-After": str(extra["seconds_left"])} if extra else None
    body = msgspec.json.encode(fields)
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


@get("/healthz", media_type="text/plain")
async def healthz() -> str:
    """Alive."""
    return "ok"


def provide_partner(state: State) -> Partner:
    """The process's partner, as a dependency of handlers."""
    partner: Partner = state.partner
    return partner


def create(
    secret: bytes,
    api_url: str,
    monotonic: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = utcnow,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Litestar:
    """The application. `api_url` is where the callbacks go; the clocks are given by tests."""
    callback_url = api_url.rstrip("/") + "/v1/ads/callbacks/house"

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            app.state.partner = Partner(secret, callback_url, http, monotonic, now, sleep)
            yield

    page = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    app = Litestar(
        [show, finish, host_film, healthz],
        dependencies={"partner": Provide(provide_partner, sync_to_thread=False)},
        exception_handlers={HTTPException: on_http_exception},
        lifespan=[lifespan],
        openapi_config=None,
        request_class=JSONRequest,
        request_max_body_size=BODY_BYTES_MAX,
        state=State({"page": Template(page)}),
    )
    app.asgi_handler = answering_in_pieces(app.asgi_handler)
    return app


def create_from_environment() -> Litestar:
    """The application as the environment says. Raise PartnerConfigError if that is incomplete."""
    # While the API accepts two secrets, the first is the one to sign with.
    secret = os.environ.get("TWTC_HOUSE_SECRET", "").split(",")[0]
    api_url = os.environ.get("TWTC_PUBLIC_URL", "")
    if not secret or not api_url.startswith(("http://", "https://")):
        raise PartnerConfigError("set TWTC_HOUSE_SECRET, and TWTC_PUBLIC_URL to the API's address")
    return create(secret.encode(), api_url)
