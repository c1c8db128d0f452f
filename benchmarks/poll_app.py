"""The product's application, and beside its own routes the constants that it is measured against.

The poll's answer cannot be cheaper than a constant one from the same framework and server.
"""

from typing import Any

from litestar import Litestar, asgi, get

from api.app import create_app
from runtime.environment import load_config

CONSTANT = {"status": "ok"}
_BODY = b'{"status":"ok"}'


@get("/bench/constant", sync_to_thread=False)
def constant() -> dict[str, str]:
    """A constant JSON answer of the framework."""
    return CONSTANT


@asgi("/bench/bare", copy_scope=False)
async def bare(scope: Any, receive: Any, send: Any) -> None:
    """The same without most of the framework: what the server itself can do."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})


def _application() -> Litestar:
    application = create_app(load_config(signs=True))
    application.register(constant)
    application.register(bare)
    return application


app = _application()
