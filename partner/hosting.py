"""The films that the partner hosts, for players that fetch them in ranges (RFC 9110, 14)."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from litestar import asgi
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from api.web_base.etags import etag_of, is_known
from partner.films import FOLDER

VIDEOS_PATH = "/videos"  # what TWTC_OWN_VIDEOS_URL ends with
_TYPES = {".mp4": "video/mp4", ".jpg": "image/jpeg", ".json": "application/json"}
_RANGE = re.compile(rb"bytes=([0-9]{0,15})-([0-9]{0,15})", re.IGNORECASE)
_HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "public, max-age=3600",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",  # the app is of another origin
    "X-Content-Type-Options": "nosniff",
}


class File(NamedTuple):
    """What is hosted under a name."""

    body: bytes
    media_type: str
    etag: bytes


def read_films() -> Mapping[str, File]:
    """The films with their pictures and descriptions: a few megabytes, held."""
    found: dict[str, File] = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in _TYPES:
            body = path.read_bytes()
            found[path.name] = File(body, _TYPES[path.suffix], etag_of(body))
    return found


def wanted_range(header: bytes | None, size: int) -> range | None:
    """Which bytes a Range header asks for: None for all of them, as for what is not understood.

    An empty range cannot be satisfied. Several ranges at once are answered with the whole.
    """
    found = _RANGE.fullmatch((header or b"").strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:  # so many from the end
        return range(max(0, size - int(found[2])), size)
    first = int(found[1])
    last = int(found[2]) if found[2] else size - 1
    if last < first and found[2]:
        return None
    return range(first, min(last + 1, size))


_FILMS = read_films()


@asgi(VIDEOS_PATH, is_mount=True, copy_scope=False)
async def host_film(scope: Scope, receive: Receive, send: Send) -> None:
    """A file, a range of it, or 304 for whom has it."""
    method = str(scope.get("method"))
    response = _respond(method, scope["path"].strip("/"), dict(scope["headers"]))
    await response(scope, receive, send)


def _respond(method: str, name: str, asked: Mapping[bytes, bytes]) -> ASGIResponse:
    if method not in ("GET", "HEAD"):
        return _answer(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
    file = _FILMS.get(name)
    if file is None:
        return _answer(HTTPStatus.NOT_FOUND)
    headers = _HEADERS | {"ETag": file.etag.decode()}
    if is_known(file.etag, asked.get(b"if-none-match")):
        return _answer(HTTPStatus.NOT_MODIFIED, headers=headers)
    size = len(file.body)
    # If-Range wants the very bytes that were had before: after another tag, or a date, the whole.
    is_same = asked.get(b"if-range", file.etag).strip() == file.etag
    wanted = wanted_range(asked.get(b"range"), size) if is_same and method == "GET" else None
    if wanted is None:
        return _answer(HTTPStatus.OK, file.body, headers, file.media_type, is_head=method == "HEAD")
    if not wanted:
        unsatisfied = headers | {"Content-Range": f"bytes */{size}"}
        return _answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=unsatisfied)
    part = headers | {"Content-Range": f"bytes {wanted.start}-{wanted.stop - 1}/{size}"}
    body = file.body[wanted.start : wanted.stop]
    return _answer(HTTPStatus.PARTIAL_CONTENT, body, part, file.media_type)


def _answer(
    status: HTTPStatus,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    media_type: str = "text/plain",
    *,
    is_head: bool = False,
) -> ASGIResponse:
    return ASGIResponse(
        body=b"" if is_head else body,
        headers={**(headers or {}), **({"Content-Length": str(len(body))} if is_head else {})},
        media_type=media_type,
        status_code=status,
        is_head_response=is_head,
    )
