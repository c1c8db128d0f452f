"""Answers go out in pieces, each when there is room for it (decision 0042).

The server holds what it was given until somebody has taken it. Of a large answer that is now five
pieces, however slowly it is taken.
"""

import asyncio
from collections.abc import Awaitable

from litestar.types import ASGIApp, Message, Receive, Scope, Send

PIECE_BYTES = 8 * 1024


def answering_in_pieces(app: ASGIApp) -> ASGIApp:
    """The application, whose large answers go out in pieces."""

    def answer(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return app(scope, receive, in_pieces(send, receive))

    return answer


def in_pieces(send: Send, receive: Receive) -> Send:
    """What sends as `send` does, a large body in pieces. Streams are in pieces already."""

    # Not a coroutine of its own: the poll would pay for it.
    def send_in_pieces(message: Message) -> Awaitable[None]:
        body: bytes = message.get("body", b"")  # type: ignore[assignment]
        if len(body) <= PIECE_BYTES or message.get("more_body"):
            return send(message)
        return _send_pieces(body, send, receive)

    return send_in_pieces


async def _send_pieces(body: bytes, send: Send, receive: Receive) -> None:
    hung_up = asyncio.ensure_future(_until_hung_up(receive))
    try:
        for start in range(0, len(body), PIECE_BYTES):
            if hung_up.done():
                return
            end = start + PIECE_BYTES
            piece, more = body[start:end], end < len(body)
            await send({"type": "http.response.body", "body": piece, "more_body": more})
            await asyncio.sleep(0)  # others have their turn, and it is heard if nobody listens
    finally:
        hung_up.cancel()


async def _until_hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
