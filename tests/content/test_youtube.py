"""YouTube's answers, well and badly formed, and what they mean."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from engine.content.videos import Facts, Finding, Regions, Unfit
from tests.kit.counterpart import Reply, Replying, counterpart
from tests.kit.youtube import KEY, answer, item, refusal
from workers.videos.contract import Stop
from workers.videos.youtube import YouTube, read_duration


async def look_up(
    ids: Sequence[str], *replies: Replying
) -> tuple[Mapping[str, Finding] | Stop, list[str]]:
    """What YouTube's answers come to, and the paths asked for."""
    with counterpart(*replies) as server:
        async with httpx.AsyncClient(timeout=5) as http:
            found = await YouTube(KEY, server.url, retry_seconds=0).look_up(http, ids)
        return found, [received.path for received in server.received]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT4M13S", 253),
        ("PT15S", 15),
        ("PT1H", 3600),
        ("P1DT2H3M4S", 93_784),
        ("P1D", 86_400),
        ("P1W", 604_800),
        ("P0D", 0),
        ("PT0S", 0),
        ("PT90M", 5400),
        ("P", None),
        ("PT", None),
        ("P1DT", None),
        ("", None),
        ("4M13S", None),
        ("PT-5S", None),
        ("PT1.5S", None),
        ("PT١S", None),
        ("PT4M13S\n", None),
        ("PT" + "9" * 5000 + "S", None),
    ],
)
def test_durations(text: str, seconds: int | None) -> None:
    assert read_duration(text) == seconds


async def test_the_request_is_the_documented_one() -> None:
    ids = [f"id{number}" for number in range(50)]
    found, paths = await look_up(ids, answer([item(name) for name in ids]))
    assert not isinstance(found, Stop) and set(found) == set(ids)
    (asked,) = [urlsplit(path) for path in paths]
    assert asked.path == "/youtube/v3/videos"
    assert parse_qs(asked.query) == {
        "part": ["snippet,contentDetails,status"],
        "id": [",".join(ids)],
        "key": [KEY],
    }


async def test_a_video_that_can_be_shown_tells_its_length_and_regions() -> None:
    regions = {"blocked": ["DE", "FR"]}
    found, _ = await look_up(["a"], answer([item("a", title="A", regions=regions)]))
    assert found == {"a": Facts("A", 253, Regions(blocked=["DE", "FR"]))}


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"embeddable": False}, Unfit.NOT_EMBEDDABLE),
        ({"privacy": "private"}, Unfit.NOT_PUBLIC),
        ({"privacy": "unlisted"}, Unfit.NOT_PUBLIC),
        ({"rating": "ytAgeRestricted"}, Unfit.AGE_RESTRICTED),
        ({"regions": {"allowed": []}}, Unfit.BLOCKED_EVERYWHERE),
        ({"duration": "P0D", "live": "live"}, Unfit.LIVE),
        ({"duration": "P0D"}, Unfit.LIVE),
        ({"live": "upcoming"}, Unfit.LIVE),
        ({"duration": "P1DT1S"}, Unfit.TOO_LONG),
    ],
)
async def test_a_video_that_cannot_be_shown_says_why(
    changes: dict[str, Any], because: Unfit
) -> None:
    found, _ = await look_up(["a"], answer([item("a", **changes)]))
    assert found == {"a": because}


async def test_a_missing_video_has_vanished_and_an_unclear_one_has_not() -> None:
    unclear = item("c") | {"status": {}}
    odd = item("d", duration="soon")
    nowhere = item("e", regions={"blocked": ["\0"]})
    items = [item("a"), unclear, odd, nowhere, item("never asked")]
    found, _ = await look_up(list("abcde"), answer(items))
    assert found == {"a": Facts("a", 253, Regions()), "b": Unfit.VANISHED}


@pytest.mark.parametrize("reason", ["quotaExceeded", "dailyLimitExceeded", "rateLimitExceeded"])
async def test_a_spent_quota_ends_the_check_at_once(reason: str) -> None:
    found, paths = await look_up(["a"], refusal(403, reason))
    assert found is Stop.QUOTA_SPENT
    assert len(paths) == 1


@pytest.mark.parametrize(
    "reply",
    [
        refusal(400, "keyInvalid"),
        refusal(403, "accessNotConfigured"),
        Reply(404, b""),
        Reply(302, b"", {"Location": "https://elsewhere.example/"}),
        Reply(403, b"<html>no</html>"),
    ],
)
async def test_a_refusal_is_for_the_operator(
    reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    found, paths = await look_up(["a"], reply)
    assert found is Stop.REFUSED
    assert len(paths) == 1
    assert any(record.levelno == logging.ERROR for record in caplog.records)


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_an_outage_is_tried_again_a_little_later(status: int) -> None:
    found, paths = await look_up(["a"], Reply(status, b"busy"), answer([item("a")]))
    assert found == {"a": Facts("a", 253, Regions())}
    assert len(paths) == 2
    found, paths = await look_up(["a"], Reply(status, b"busy"))
    assert found is Stop.UNAVAILABLE
    assert len(paths) == 3


async def test_nobody_there_is_an_outage() -> None:
    async with httpx.AsyncClient() as http:
        provider = YouTube(KEY, "http://127.0.0.1:1", retry_seconds=0)
        assert await provider.look_up(http, ["a"]) is Stop.UNAVAILABLE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"items": null}',
        b'{"items": [{"kind": "youtube#video"}]}',
        b'{"items": [{"id": 7}]}',
        b'{"items": [{"id": "\xff"}]}',
        b'{"items": [',
    ],
)
async def test_an_answer_that_cannot_be_read_makes_nothing_vanish(body: bytes) -> None:
    found, _ = await look_up(["a"], Reply(200, body))
    assert found is Stop.MALFORMED


async def test_the_key_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for reply in (answer([]), refusal(400, "keyInvalid"), Reply(500, b"")):
        await look_up(["a"], reply)
    assert caplog.records
    assert KEY not in caplog.text
