"""The daily check of the library: what changes, what stands, and what an outage leaves alone."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from engine.content.videos import Facts, Finding, Regions, StoredVideo, Unfit, judge
from models.base.db import Row
from runtime.clock import utcnow
from tests.kit.counterpart import Counterpart, Received, Reply, counterpart
from tests.kit.words import at
from tests.kit.world import World
from tests.kit.youtube import KEY, Library, library, refusal, use, youtube
from workers.videos import providers, sync
from workers.videos.contract import Stop
from workers.videos.own import OwnHosting

__all__ = ["library", "youtube"]  # fixtures

SINGAPORE = "P_q3BdrFsLI"
DAY = timedelta(days=1)


async def check(world: World) -> dict[str, Any]:
    """Let the next check take place; return what it reports."""
    now = utcnow()
    due = at(f"{now:%Y-%m-%d}T04:00:00Z")
    when = due if now < due else due + DAY
    await world.go_to(when)
    outcome = await world.value(
        "SELECT outcome FROM intents WHERE kind = 'videos.sync' AND recorded_at = :t", t=when
    )
    report: dict[str, Any] = msgspec.json.decode(outcome)["result"]
    return report


async def video(world: World, provider_id: str = SINGAPORE) -> Row:
    return (await world.rows("SELECT * FROM videos WHERE provider_id = :id", id=provider_id))[0]


async def inactive(world: World) -> dict[str, str]:
    found = await world.rows("SELECT provider_id, inactive_because FROM videos WHERE NOT is_active")
    return {row.provider_id: row.inactive_because for row in found}


async def add_videos(world: World, count: int) -> list[str]:
    """More YouTube videos than one question can name."""
    ids = [f"extra-{number:03}" for number in range(count)]
    await world.rows(
        """INSERT INTO videos (id, provider, provider_id, title, channel, country, category,
               boost_percent, regions, is_active)
           SELECT 'youtube:' || d.id, 'youtube', d.id, d.id, 'c', 'FR', 'CITY', 150, '{}', true
           FROM unnest(CAST(:ids AS text[])) AS d (id)""",
        ids=ids,
    )
    return ids


async def test_without_a_key_the_seeded_data_stands_and_the_report_says_so(world: World) -> None:
    before = await world.rows("SELECT * FROM videos ORDER BY id")
    skipped = {"skipped": "NOT_CONFIGURED"}
    assert await check(world) == {"youtube": skipped, "own": skipped}
    assert await world.rows("SELECT * FROM videos ORDER BY id") == before


def test_the_configuration_chooses_the_providers(world: World) -> None:
    assert providers(world.config) == []
    chosen = providers(replace(world.config, youtube_key=KEY, own_videos_url="http://own.test"))
    assert [provider.name for provider in chosen] == ["youtube", "own"]


async def test_lengths_and_regions_are_learnt_and_unverified_videos_confirmed(
    world: World, library: Library, youtube: Counterpart
) -> None:
    waiting = await inactive(world)
    assert len(waiting) == 6
    other, *confirmed = sorted(waiting)
    library.put(other, title="Something else")
    title = (await video(world, confirmed[0])).title
    library.put(confirmed[0], title=f"  {title.upper()} - ")  # the same words
    library.put(SINGAPORE, duration="PT1H1S", regions={"blocked": ["DE"]})
    report = await check(world)
    assert report["youtube"] == {
        "videos": 27,
        "checked": 27,
        "unclear": 0,
        "activated": 5,
        "stopped": None,
    }
    assert await inactive(world) == {other: "UNVERIFIED"}
    found = await video(world)
    assert (found.duration_seconds, found.regions) == (3601, '{"blocked": ["DE"]}')
    assert found.checked_at == at("04:00")
    # Titles are the operator's: YouTube's is not taken over.
    assert found.title == "Singapore Vacation Travel Guide | Expedia"


async def test_what_vanishes_comes_back(
    world: World, library: Library, youtube: Counterpart
) -> None:
    await check(world)
    kept = library.items.pop(SINGAPORE)
    assert (await check(world))["youtube"]["deactivated"] == 1
    gone = await video(world)
    assert (gone.inactive_because, gone.duration_seconds) == ("VANISHED", 253)
    library.put(SINGAPORE, embeddable=False)
    await check(world)
    assert (await video(world)).inactive_because == "NOT_EMBEDDABLE"
    library.items[SINGAPORE] = kept
    assert (await check(world))["youtube"]["activated"] == 1
    assert (await video(world)).is_active


async def test_an_operators_reason_stands(
    world: World, library: Library, youtube: Counterpart
) -> None:
    await world.rows("UPDATE videos SET is_active = false, inactive_because = 'DULL'")
    library.items.pop(SINGAPORE)
    report = await check(world)
    assert "activated" not in report["youtube"]
    assert set((await inactive(world)).values()) == {"DULL"}
    assert len(await inactive(world)) == 27


async def test_a_spent_quota_keeps_what_was_learnt_and_goes_on_tomorrow(
    world: World, library: Library, youtube: Counterpart
) -> None:
    for name in await add_videos(world, 100):
        library.put(name)
    youtube.replies[:] = [library, refusal(403, "quotaExceeded")]
    report = await check(world)
    assert report["youtube"]["stopped"] == "QUOTA_SPENT"
    assert (report["youtube"]["videos"], report["youtube"]["checked"]) == (127, 50)
    assert len(youtube.received) == 2
    unchecked = "SELECT count(*) FROM videos WHERE checked_at IS NULL"
    assert await world.value(unchecked) == 77
    youtube.replies[:] = [library, library, refusal(403, "quotaExceeded")]
    await check(world)
    assert await world.value(unchecked) == 0  # those never checked came first


async def test_many_videos_are_asked_for_fifty_at_a_time(
    world: World, library: Library, youtube: Counterpart
) -> None:
    for name in await add_videos(world, 130):
        library.put(name, title="t")
    report = await check(world)
    assert report["youtube"]["checked"] == 157
    asked = [received.path.count("%2C") + 1 - 2 for received in youtube.received]  # less the parts
    assert sorted(asked) == [7, 50, 50, 50]


@pytest.mark.parametrize(
    ("reply", "stop"),
    [
        (Reply(503, b""), "UNAVAILABLE"),
        (Reply(200, b"{}"), "MALFORMED"),
        (refusal(400, "keyInvalid"), "REFUSED"),
    ],
)
async def test_an_outage_changes_nothing(
    world: World, youtube: Counterpart, reply: Reply, stop: str
) -> None:
    before = await world.rows("SELECT * FROM videos ORDER BY id")
    youtube.replies[:] = [reply]
    assert (await check(world))["youtube"] == {"videos": 27, "stopped": stop}
    assert await world.rows("SELECT * FROM videos ORDER BY id") == before


async def test_one_empty_answer_does_not_empty_the_library(
    world: World, library: Library, youtube: Counterpart
) -> None:
    library.items.clear()
    report = await check(world)
    assert "deactivated" not in report["youtube"]
    assert report["youtube"]["unclear"] == 21
    assert set((await inactive(world)).values()) == {"UNVERIFIED"}


class _Provider:
    """A provider that does something while it is asked."""

    name = "youtube"
    batch_size = 50
    batches_max = 10

    def __init__(self, world: World, finding: Finding, seconds: float = 0) -> None:
        self.world = world
        self.finding = finding
        self.seconds = seconds

    async def look_up(
        self, http: httpx.AsyncClient, ids: Sequence[str]
    ) -> Mapping[str, Finding] | Stop:
        await asyncio.sleep(self.seconds)
        await self.world.rows(
            """UPDATE videos SET is_active = false, inactive_because = 'DULL'
               WHERE provider_id = :id""",
            id=SINGAPORE,
        )
        return dict.fromkeys(ids, self.finding)


async def test_what_an_operator_decides_meanwhile_stands(world: World) -> None:
    use(world, _Provider(world, Unfit.LIVE))
    await check(world)
    found = await inactive(world)
    assert found.pop(SINGAPORE) == "DULL"
    assert sorted(found.values()) == ["LIVE"] * 20 + ["UNVERIFIED"] * 6


async def test_a_provider_that_never_answers_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "SYNC_SECONDS_MAX", 0.05)
    use(world, _Provider(world, Unfit.LIVE, seconds=60))
    assert (await check(world))["youtube"] == {"videos": 27, "stopped": "UNAVAILABLE"}


def _host(received: Received) -> Reply:
    """A static host with some descriptions on it."""
    files: dict[str, Any] = {
        "/films/petra.json": {"title": "Petra", "duration_seconds": 95, "size": 7},
        "/films/siwa%20oasis.json": {
            "title": "Siwa",
            "duration_seconds": 60,
            "regions": {"allowed": ["EG"]},
        },
        "/films/odd.json": {"title": "Odd", "duration_seconds": "long"},
        "/films/never.json": {"title": "Never", "duration_seconds": 0},
        "/films/epic.json": {"title": "Epic", "duration_seconds": 86_401},
    }
    if received.path not in files:
        return Reply(404, b"<html>")
    return Reply(200, msgspec.json.encode(files[received.path]))


async def test_our_own_hosting_describes_its_videos() -> None:
    ids = ["petra", "siwa oasis", "odd", "never", "epic", "gone"]
    with counterpart(_host) as server:
        async with httpx.AsyncClient() as http:
            found = await OwnHosting(f"{server.url}/films").look_up(http, ids)
    assert found == {
        "petra": Facts("Petra", 95, Regions()),
        "siwa oasis": Facts("Siwa", 60, Regions(allowed=["EG"])),
        "epic": Unfit.TOO_LONG,
        "gone": Unfit.VANISHED,
    }


@pytest.mark.parametrize(
    ("reply", "stop"), [(Reply(500, b""), Stop.UNAVAILABLE), (Reply(401, b""), Stop.REFUSED)]
)
async def test_our_own_hosting_may_be_away(reply: Reply, stop: Stop) -> None:
    with counterpart(reply) as server:
        async with httpx.AsyncClient() as http:
            assert await OwnHosting(server.url).look_up(http, ["a", "b"]) is stop


async def test_a_video_of_our_own_is_checked_with_the_others(world: World) -> None:
    await world.rows(
        """INSERT INTO videos (id, provider, provider_id, title, channel, country, category,
               boost_percent, regions, is_active)
           VALUES ('own:petra', 'own', 'petra', 'Petra', 'TWTC', 'JO', 'HISTORY', 150, '{}', true)
        """
    )
    with counterpart(_host) as server:
        use(world, OwnHosting(f"{server.url}/films"))
        report = await check(world)
    assert report["own"] == {"videos": 1, "checked": 1, "unclear": 0, "stopped": None}
    assert (await video(world, "petra")).duration_seconds == 95


@pytest.mark.parametrize("finding", [Facts("The title", 9, Regions()), *Unfit])
@pytest.mark.parametrize("because", [None, *Unfit, "UNVERIFIED", "DULL"])
def test_only_what_a_check_may_change_changes(because: str | None, finding: Finding) -> None:
    verdict = judge(StoredVideo("youtube:a", "a", "The Title!", because), finding)
    if because == "DULL" or (because == "UNVERIFIED" and isinstance(finding, Unfit)):
        assert verdict.inactive_because == because
    else:
        expected = finding.value if isinstance(finding, Unfit) else None
        assert verdict.inactive_because == expected
