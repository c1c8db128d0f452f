"""How HTTP is served: by granian, and what it is told (decision 0042).

One place for the API, the partner and the dashboard, whoever starts them. What granian does by
itself lets anybody stop a process with a thousand connections.
"""

import importlib
import logging
import resource
from collections.abc import Callable
from functools import partial
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from runtime.garbage import keep_for_good
from runtime.sockets import watch

log = logging.getLogger(__name__)

# Of one process: several times the event streams that it may have open. A silent one costs 3 kB.
CONNECTIONS_MAX = 10_000
# Files that a process has open beside its connections.
OTHER_FILES = 256
# From the accepting, or from the answer before, until a head is here.
HEAD_SECONDS_MAX = 30
# What a connection holds of a head, and of an answer: api/web_base/gate.py takes heads of 24 KiB.
BUFFER_BYTES = 32 * 1024


def serve(
    target: str,
    host: str,
    port: int,
    *,
    processes: int = 1,
    is_wsgi: bool = False,
    is_factory: bool = False,
    stop_seconds: int | None = None,
) -> None:
    """Serve `package.module:name` until stopped; what runs then has `stop_seconds`."""
    connections = room_for(CONNECTIONS_MAX)
    Granian(
        target,
        address=host,
        port=port,
        interface=Interfaces.WSGI if is_wsgi else Interfaces.ASGI,
        workers=processes,
        blocking_threads=4 if is_wsgi else None,
        # One answer at a time: of HTTP/2, a connection may ask for hundreds and take none. And
        # whoever may choose between the two has for ever to say which.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(
            header_read_timeout=1000 * HEAD_SECONDS_MAX, max_buffer_size=BUFFER_BYTES
        ),
        websockets=False,
        backpressure=connections,
        workers_kill_timeout=stop_seconds,
    ).serve(target_loader=partial(_load, is_factory, port, connections))


def room_for(connections: int) -> int:
    """How many connections the limit of open files leaves room for, after it was raised."""
    wanted = connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < wanted:
        soft = wanted if hard < 0 else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        except (OSError, ValueError):  # macOS has another limit, which it does not tell
            soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not 0 <= soft < wanted:
        return connections
    log.warning("only %d files may be open here: raise the limit (ulimit -n) to %d", soft, wanted)
    return max(soft - OTHER_FILES, 1)


def _load(is_factory: bool, port: int, connections: int, target: str) -> Callable[..., Any]:
    """The application, in the process that is to serve it."""
    # A line for each piece that nobody took.
    logging.getLogger("_granian.asgi.io").setLevel(logging.WARNING)
    watch(port, connections)
    module, _, name = target.partition(":")
    found: Any = getattr(importlib.import_module(module), name)
    application: Callable[..., Any] = found() if is_factory else found
    keep_for_good()
    return application
