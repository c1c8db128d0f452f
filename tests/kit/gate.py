"""A way to a server that can be closed."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit


class Gate:
    """An address at which the projection's server is, or is not."""

    def __init__(self, url: str) -> None:
        self._there = urlsplit(url)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        here = self._there.netloc.rsplit("@", 1)[0] + f"@127.0.0.1:{self.port}"
        self.url = urlunsplit(self._there._replace(netloc=here))
        self._open: list[socket.socket] = []

    def open(self) -> None:
        """From now on it is there."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self._open = [listener]
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        """It is gone, in the middle of whatever it did."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection((self._there.hostname, self._there.port))
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=pair, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
