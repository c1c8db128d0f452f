"""An HTTP server that answers as it is told, and remembers what it was asked."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from msgspec import Struct


class Reply(Struct, frozen=True):
    """One answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


class Received(Struct, frozen=True):
    """One request; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Replying = Reply | Callable[[Received], Reply]


class Counterpart:
    """`replies` are given in turn, or made of what was asked; the last one stays."""

    def __init__(self, url: str, replies: list[Replying], received: list[Received]) -> None:
        self.url = url
        self.replies = replies
        self.received = received


@contextmanager
def counterpart(*replies: Replying) -> Iterator[Counterpart]:
    """Serve on a free port of this machine until the block ends."""
    queue, received = list(replies), list[Received]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received.append(Received(self.command, self.path, headers, body))
            replying = queue.pop(0) if len(queue) > 1 else queue[0]
            reply = replying if isinstance(replying, Reply) else replying(received[-1])
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Counterpart(f"http://127.0.0.1:{server.server_port}", queue, received)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
