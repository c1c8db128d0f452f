"""A way between a browser and the server: it may fall silent, and change what it carries."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import urlsplit

HOP = {"connection", "content-length", "transfer-encoding", "keep-alive", "content-encoding"}


class Way:
    """An address of its own. `changes`: by path, what is written before what the server sends."""

    def __init__(self, url: str) -> None:
        self.there = urlsplit(url).netloc
        self.url = ""
        self.changes: dict[str, bytes] = {}
        self.speaks = Event()
        self.speaks.set()
        self.is_over = False


@contextmanager
def way_to(url: str) -> Iterator[Way]:
    """Open a way to a server."""
    way = Way(url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):  # whatever the method
                return partial(pass_on, way, self)
            raise AttributeError(name)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # browsers hang up as they like

    server = Server(("127.0.0.1", 0), Handler)
    way.url = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield way
    finally:
        way.is_over = True
        way.speaks.set()
        server.shutdown()
        server.server_close()


def pass_on(way: Way, near: BaseHTTPRequestHandler) -> None:
    """One request, once the way speaks."""
    path = urlsplit(near.path).path
    body = near.rfile.read(int(near.headers.get("Content-Length", 0)))
    way.speaks.wait()
    if way.is_over:
        return
    if path == "/v1/events":  # a stream would hold its thread: the app polls instead
        near.send_response(503)
        near.send_header("Content-Length", "0")
        near.end_headers()
        return
    far = http.client.HTTPConnection(way.there, timeout=60)
    headers = dict(near.headers.items()) | {"Accept-Encoding": "identity"}
    if path in way.changes:  # what the server has is not what was kept
        headers.pop("If-None-Match", None)
    far.request(near.command, near.path, body or None, headers)
    answer = far.getresponse()
    data = way.changes.get(path, b"") + answer.read()
    near.send_response(answer.status)
    for name, value in answer.getheaders():
        if name.lower() not in HOP and not (name.lower() == "etag" and path in way.changes):
            near.send_header(name, value)
    near.send_header("Content-Length", str(len(data)))
    near.end_headers()
    if near.command != "HEAD":
        near.wfile.write(data)
    far.close()
