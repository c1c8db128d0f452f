"""Large answers go out in pieces, each when there is room for it."""

import asyncio
from typing import Any

from api.web_base.pages import FILES
from api.web_base.pieces import PIECE_BYTES, in_pieces
from tests.kit.world import World

BODY = bytes(range(256)) * 1_000
SECONDS_MAX = 5


class Taker:
    """Who takes an answer: a piece whenever it is let, until it hangs up."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.may_take = asyncio.Semaphore(0)
        self.has_hung_up = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.taken.append(message)
        await self.may_take.acquire()

    async def receive(self) -> Any:
        await self.has_hung_up.wait()
        return {"type": "http.disconnect"}


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def answering(taker: Taker) -> asyncio.Task[None]:
    send = in_pieces(taker.send, taker.receive)

    async def answer() -> None:
        await send({"type": "http.response.body", "body": BODY, "more_body": False})

    return asyncio.create_task(answer())


async def test_a_piece_goes_out_when_the_one_before_was_taken() -> None:
    taker = Taker()
    answer = answering(taker)
    number = -(-len(BODY) // PIECE_BYTES)
    for count in range(1, number + 1):
        await turns()
        assert len(taker.taken) == count
        taker.may_take.release()
    await asyncio.wait_for(answer, SECONDS_MAX)
    assert b"".join(piece["body"] for piece in taker.taken) == BODY
    assert max(len(piece["body"]) for piece in taker.taken) <= PIECE_BYTES
    assert [piece["more_body"] for piece in taker.taken] == [True] * (number - 1) + [False]


async def test_nothing_is_sent_to_who_has_hung_up() -> None:
    taker = Taker()
    answer = answering(taker)
    await turns()
    taker.has_hung_up.set()
    await turns()
    taker.may_take.release()
    await asyncio.wait_for(answer, SECONDS_MAX)
    assert len(taker.taken) == 1


async def test_what_is_small_and_what_is_a_stream_go_out_as_they_are() -> None:
    taker = Taker()
    send = in_pieces(taker.send, taker.receive)
    small: Any = {"type": "http.response.body", "body": BODY[:PIECE_BYTES], "more_body": False}
    part: Any = {"type": "http.response.body", "body": BODY, "more_body": True}
    start: Any = {"type": "http.response.start", "status": 200, "headers": []}
    taker.may_take = asyncio.Semaphore(3)
    for message in (start, small, part):
        await asyncio.wait_for(send(message), SECONDS_MAX)
    assert all(a is b for a, b in zip(taker.taken, (start, small, part), strict=True))


async def test_every_answer_of_the_api_does(world: World) -> None:
    name = max(FILES, key=lambda name: len(FILES[name].body))
    sent: list[Any] = []
    scope: Any = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": name, "raw_path": name.encode(), "query_string": b"",
        "root_path": "", "headers": [], "client": ("127.0.0.1", 1), "server": None,
        "extensions": {},
    }  # fmt: skip

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    await world.app(scope, receive, send)
    bodies = [message["body"] for message in sent[1:]]
    assert b"".join(bodies) == FILES[name].body
    assert max(map(len, bodies)) <= PIECE_BYTES
