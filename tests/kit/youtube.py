"""YouTube as its Data API answers, on this machine."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from msgspec.structs import replace

from tests.kit.counterpart import Counterpart, Received, Reply, counterpart
from tests.kit.world import World
from workers.videos.contract import VideoProvider
from workers.videos.youtube import YouTube

KEY = "AIza-test-key"
DURATION = "PT4M13S"


def item(video_id: str, **changes: Any) -> dict[str, Any]:
    """A public video that can be embedded, in the form of `videos.list`."""
    fields = {
        "title": video_id,
        "duration": DURATION,
        "embeddable": True,
        "privacy": "public",
        "live": "none",
        "regions": None,
        "rating": None,
    } | changes
    details: dict[str, Any] = {"duration": fields["duration"], "definition": "hd"}
    if fields["regions"] is not None:
        details["regionRestriction"] = fields["regions"]
    details["contentRating"] = {"ytRating": fields["rating"]} if fields["rating"] else {}
    return {
        "kind": "youtube#video",
        "etag": "x",
        "id": video_id,
        "snippet": {
            "title": fields["title"],
            "channelTitle": "A channel",
            "liveBroadcastContent": fields["live"],
        },
        "contentDetails": details,
        "status": {
            "uploadStatus": "processed",
            "privacyStatus": fields["privacy"],
            "embeddable": fields["embeddable"],
        },
    }


def refusal(status: int, reason: str) -> Reply:
    """How Google's APIs word an error."""
    error = {
        "code": status,
        "message": "…",
        "errors": [{"message": "…", "domain": "youtube.quota", "reason": reason}],
    }
    return Reply(status, msgspec.json.encode({"error": error}))


def answer(items: list[Any]) -> Reply:
    """A list of videos."""
    page = {"totalResults": len(items), "resultsPerPage": len(items)}
    body = {"kind": "youtube#videoListResponse", "items": items, "pageInfo": page}
    return Reply(200, msgspec.json.encode(body))


class Library:
    """Answers for the videos it has; those it does not have are missing from the answer."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}

    def put(self, video_id: str, **changes: Any) -> None:
        """Publish a video, or change it."""
        self.items[video_id] = item(video_id, **changes)

    def __call__(self, received: Received) -> Reply:
        query = parse_qs(urlsplit(received.path).query)
        ids = query["id"][0].split(",")
        if query["key"] != [KEY]:
            return refusal(400, "keyInvalid")
        if len(ids) > 50:
            return refusal(400, "invalidFilters")
        return answer([self.items[name] for name in ids if name in self.items])


@pytest.fixture
async def library(world: World) -> Library:
    """YouTube has all the videos that we have, under our titles."""
    found = Library()
    for row in await world.rows("SELECT provider_id, title FROM videos"):
        found.put(row.provider_id, title=row.title)
    return found


@pytest.fixture
def youtube(world: World, library: Library) -> Iterator[Counterpart]:
    """The workers' YouTube."""
    with counterpart(library) as server:
        use(world, YouTube(KEY, server.url, retry_seconds=0))
        yield server


def use(world: World, *used: VideoProvider) -> None:
    """The workers ask these providers from now on."""
    world.shop = replace(world.shop, providers=used)
