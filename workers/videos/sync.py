"""The check of the library, daily and of what players cannot show: what can be shown, and where."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import httpx
from msgspec import UNSET

from engine.content.actions import LookedUp, VideosChecked
from engine.content.videos import Finding, StoredVideo, Unfit, Verdict, judge
from models.base.db import Database
from models.content.videos import reported_videos, store_verdicts, videos_to_check
from runtime.http_client import open_http
from workers.videos.contract import Stop, VideoProvider

log = logging.getLogger(__name__)

NAMES = VideosChecked.__struct_fields__
REQUEST_SECONDS_MAX = 10
SYNC_SECONDS_MAX = 300  # for each provider
# One wrong answer must not empty the library: more than this many at once, and more than half of
# those asked for, are not believed to have vanished.
VANISHED_MAX = 5
# So many members whose players could not show a video, within a day, are believed.
REPORTERS_MIN = 3
REPORTED_SINCE = timedelta(days=1)


async def sync_videos(
    database: Database, providers: Sequence[VideoProvider], now: datetime
) -> VideosChecked:
    """Check the videos of every provider that is configured, and say what became of each."""
    configured = {provider.name: provider for provider in providers}
    report: dict[str, LookedUp] = {}
    async with open_http(REQUEST_SECONDS_MAX) as http:
        for name in NAMES:
            if name in configured:
                provider = configured[name]
                limit = provider.batch_size * provider.batches_max
                videos = await videos_to_check(database, name, limit)
                report[name] = await _sync(database, http, provider, videos, now)
            else:
                log.info("videos of %s stay as they are: it is not configured", name)
                report[name] = LookedUp(skipped="NOT_CONFIGURED")
    return VideosChecked(**report)


async def recheck_videos(
    database: Database, providers: Sequence[VideoProvider], now: datetime
) -> VideosChecked:
    """Check the videos that several members could not play, once for what they said until now."""
    configured = {provider.name: provider for provider in providers}
    report: dict[str, LookedUp] = {}
    async with open_http(REQUEST_SECONDS_MAX) as http:
        for name in NAMES:
            provider = configured.get(name)
            limit = provider.batch_size if provider else 1
            since = now - REPORTED_SINCE
            videos = await reported_videos(database, name, limit, REPORTERS_MIN, since)
            if videos and provider:
                report[name] = await _sync(database, http, provider, videos, now)
            elif videos:
                log.warning("video %s cannot be played, and nobody can be asked why", videos[0].id)
    return VideosChecked(**report)


async def _sync(
    database: Database,
    http: httpx.AsyncClient,
    provider: VideoProvider,
    videos: Sequence[StoredVideo],
    now: datetime,
) -> LookedUp:
    """One provider's videos, a batch at a time: what is stored stays if the next one fails."""
    size = provider.batch_size
    counts = Counter[str]()
    stopped: str | None = None
    try:
        async with asyncio.timeout(SYNC_SECONDS_MAX) as limit:
            for start in range(0, len(videos), size):
                batch = videos[start : start + size]
                found = await provider.look_up(http, [video.provider_id for video in batch])
                if isinstance(found, Stop):
                    stopped = found.value
                    break
                verdicts = _verdicts(batch, found)
                await store_verdicts(database, verdicts, now)
                _count(counts, verdicts, len(batch))
    except TimeoutError:
        if not limit.expired():
            raise  # the database's, not the provider's
        stopped = Stop.UNAVAILABLE.value
    if stopped:
        log.warning("the check of %s's videos stopped: %s", provider.name, stopped)
    return LookedUp(
        videos=len(videos),
        stopped=stopped,
        checked=counts.get("checked", UNSET),
        unclear=counts.get("unclear", UNSET),
        activated=counts.get("activated", UNSET),
        deactivated=counts.get("deactivated", UNSET),
    )


def _verdicts(batch: Sequence[StoredVideo], found: Mapping[str, Finding]) -> list[Verdict]:
    vanishing = [
        video.id
        for video in batch
        if video.inactive_because is None and found.get(video.provider_id) is Unfit.VANISHED
    ]
    disbelieved: set[str] = set()
    if len(vanishing) > max(VANISHED_MAX, len(batch) // 2):
        log.error("%d of %d videos are said to be gone at once", len(vanishing), len(batch))
        disbelieved = set(vanishing)
    return [
        judge(video, found[video.provider_id])
        for video in batch
        if video.provider_id in found and video.id not in disbelieved
    ]


def _count(counts: Counter[str], verdicts: Sequence[Verdict], asked: int) -> None:
    """Lines of the report, and a line of the log for every change."""
    counts["checked"] += len(verdicts)
    counts["unclear"] += asked - len(verdicts)
    for verdict in verdicts:
        before, because = verdict.video.inactive_because, verdict.inactive_because
        if because == before:
            continue
        if because is None:
            counts["activated"] += 1
        elif before is None:
            counts["deactivated"] += 1
        log.info("video %s: %s", verdict.video.id, because or "active")
