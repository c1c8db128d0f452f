"""Who may read the figures, and where worker and clock show them: they serve nothing else."""

import hmac
import logging
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from runtime.telemetry.siblings import Siblings

log = logging.getLogger(__name__)

PATH = "/metrics"
IDLE_SECONDS_MAX = 10


def may_read(token: str, authorization: str) -> bool:
    """Whether an Authorization header carries the token. Without a token nobody may."""
    wanted = f"Bearer {token}".encode()
    return bool(token) and hmac.compare_digest(wanted, authorization.encode())


def serve_metrics(address: tuple[str, int], token: str, siblings: Siblings) -> None:
    """Answer at an address for all processes of the program, in a thread of its own.

    They share the port: the system passes each request to one of them.
    """
    try:
        server = _Server(address, _handler(token, siblings))
    except OSError as error:
        log.error("the figures cannot be served at %s:%s: %s", *address, error)
        return
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


class _Server(ThreadingHTTPServer):
    allow_reuse_port = True
    daemon_threads = True


def _handler(token: str, siblings: Siblings) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = IDLE_SECONDS_MAX
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path != PATH:
                self._answer(HTTPStatus.NOT_FOUND, b"", "text/plain")
            elif not may_read(token, self.headers.get("Authorization", "")):
                self._answer(HTTPStatus.UNAUTHORIZED, b"", "text/plain")
            else:
                accept = self.headers.get("Accept", "")
                self._answer(HTTPStatus.OK, *siblings.expose(accept))

        def _answer(self, status: HTTPStatus, body: bytes, media_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing: a scrape every few seconds is no news."""

    return Handler
