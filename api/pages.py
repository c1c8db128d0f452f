"""The pages that people see: the members' app at `/`, the operators' console at `/console`, and
Swagger UI for the API's document.

Files as they stand in api/web, without a build step. Nothing here knows who is signed in.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, Router, get
from litestar.static_files import create_static_files_router

from api.admission import ALWAYS
from api.limits import UNLIMITED
from api.permissions import PUBLIC
from models.config import Config

WEB = Path(__file__).parent / "web"
_CAPTCHAS = {
    "turnstile": "https://challenges.cloudflare.com",
    "hcaptcha": "https://hcaptcha.com https://*.hcaptcha.com",
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cache-Control": "no-cache",
}

# A page that lacks one of its files is no page; what it asks of the API may be refused.
_OPEN = PUBLIC | UNLIMITED | ALWAYS

# Of a file that is opened by itself: the pages have their own addresses.
FILES_POLICY = "default-src 'none'; frame-ancestors 'none'"
# Of the API's document, whose page has its start in itself. No script of others.
DOCUMENT_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def policy_of(config: Config) -> str:
    """What a page may load: itself, the frames of ads and videos, the CAPTCHA's widget."""
    captcha = _CAPTCHAS.get(config.captcha.provider, "") if config.captcha else ""
    own_videos = _origin(config.own_videos_url)
    directives = {
        "default-src": "'none'",
        "script-src": f"'self' {captcha}",
        "style-src": f"'self' {captcha}",
        "img-src": f"'self' data: https://i.ytimg.com {own_videos}",
        "media-src": own_videos or "'none'",
        "connect-src": f"'self' {captcha}",
        "frame-src": f"{_origin(config.partner_url)} https://www.youtube-nocookie.com {captcha}",
        "manifest-src": "'self'",
        "worker-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}".strip() for name, value in directives.items())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _file(request: Request[Any, Any, Any], name: str, media_type: str) -> Response[bytes]:
    headers = HEADERS | {"Content-Security-Policy": policy_of(request.app.state.config)}
    return Response((WEB / name).read_bytes(), media_type=media_type, headers=headers)


@get("/", sync_to_thread=False)
def app(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The members' app."""
    return _file(request, "index.html", "text/html; charset=utf-8")


@get("/console", sync_to_thread=False)
def console(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The operators' console."""
    return _file(request, "console/index.html", "text/html; charset=utf-8")


@get("/manifest.webmanifest", sync_to_thread=False)
def manifest(request: Request[Any, Any, Any]) -> Response[bytes]:
    """What the app is called once it is installed."""
    return _file(request, "manifest.webmanifest", "application/manifest+json")


@get("/sw.js", sync_to_thread=False)
def worker(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The service worker, at the root of what it may serve."""
    return _file(request, "sw.js", "text/javascript; charset=utf-8")


def _with_headers(response: Response[Any]) -> Response[Any]:
    response.headers.update(HEADERS | {"Content-Security-Policy": FILES_POLICY})
    return response


def _static(path: str, folder: str) -> Router:
    return create_static_files_router(
        path=path,
        directories=[WEB / folder],
        after_request=_with_headers,
        opt=_OPEN,
        include_in_schema=False,
    )


routers: list[Any] = [
    Router(
        "/",
        route_handlers=[app, console, manifest, worker],
        opt=_OPEN,
        include_in_schema=False,
    ),
    _static("/app", "app"),
    _static("/console", "console"),
    _static("/swagger", "swagger"),
]
