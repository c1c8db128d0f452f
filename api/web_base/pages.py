"""The pages that people see: the members' app at `/`, the operators' console at `/console`, and
Swagger UI for the API's document.

Files as they stand in api/web, without a build step, read once when the process starts. Nothing
here knows who is signed in.
"""

from collections.abc import Mapping
from mimetypes import guess_type
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, Router, get
from litestar.exceptions import NotFoundException
from msgspec import Struct

from api.web_base.admission import ALWAYS
from api.web_base.etags import etag_of, is_known
from api.web_base.limits import UNLIMITED
from api.web_base.permissions import PUBLIC
from runtime.environment import Config

WEB = Path(__file__).parent.with_name("web")
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


class File(Struct, frozen=True):
    """A file as it is sent."""

    body: bytes
    etag: bytes
    media_type: str


# Of Python's own table of media types, and those that it does not know everywhere.
_TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}


def _read(path: Path) -> File:
    body = path.read_bytes()
    kind = _TYPES.get(path.suffix) or guess_type(path.name)[0] or "application/octet-stream"
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    return File(body, etag_of(body), kind + charset)


_FOLDERS = ("app", "console", "swagger")
FILES: Mapping[str, File] = {
    f"/{path.relative_to(WEB)}": _read(path) for path in sorted(WEB.rglob("*")) if path.is_file()
}


def _send(request: Request[Any, Any, Any], name: str, policy: str) -> Response[bytes]:
    """A file, or 304 for whom has it."""
    file = FILES.get(name)
    if file is None:
        raise NotFoundException
    known = request.headers.get("if-none-match", "").encode("latin-1")
    headers = HEADERS | {"Content-Security-Policy": policy, "ETag": file.etag.decode()}
    if is_known(file.etag, known):
        return Response(b"", status_code=304, headers=headers)
    return Response(file.body, media_type=file.media_type, headers=headers)


def _page(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
    return _send(request, name, policy_of(request.app.state.config))


@get("/", sync_to_thread=False)
def app(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The members' app."""
    return _page(request, "/index.html")


@get("/console", sync_to_thread=False)
def console(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The operators' console."""
    return _page(request, "/console/index.html")


@get("/manifest.webmanifest", sync_to_thread=False)
def manifest(request: Request[Any, Any, Any]) -> Response[bytes]:
    """What the app is called once it is installed."""
    return _page(request, "/manifest.webmanifest")


@get("/sw.js", sync_to_thread=False)
def worker(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The service worker, at the root of what it may serve."""
    return _page(request, "/sw.js")


@get([f"/{folder}/{{name:path}}" for folder in _FOLDERS], sync_to_thread=False)
def part(request: Request[Any, Any, Any]) -> Response[bytes]:
    """A file of a page. A name is looked up among those that were read, never in the system."""
    return _send(request, request.scope["path"], FILES_POLICY)


routers: list[Any] = [
    Router(
        "/",
        route_handlers=[app, console, manifest, worker, part],
        opt=_OPEN,
        include_in_schema=False,
    ),
]
