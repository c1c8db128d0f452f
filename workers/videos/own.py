"""Videos of our own: files at an address of the operator's, each with a small description.

`<TWTC_OWN_VIDEOS_URL>/<provider_id>.json` holds {"title": …, "duration_seconds": …} and may hold
"regions" as in `videos.regions`; the film lies beside it as .mp4, its picture as .jpg.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import httpx
import msgspec
from msgspec import Struct

from engine.content.videos import Facts, Finding, Regions, Unfit
from workers.videos.contract import DURATION_SECONDS_MAX, Stop

log = logging.getLogger(__name__)


class _Description(Struct, frozen=True):
    title: str
    duration_seconds: int
    regions: Regions = Regions()


class OwnHosting:
    """Any static host will do."""

    name = "own"
    batch_size = 10
    batches_max = 1_000

    def __init__(self, url: str) -> None:
        self._url = url

    async def look_up(
        self, http: httpx.AsyncClient, ids: Sequence[str]
    ) -> Mapping[str, Finding] | Stop:
        """What the descriptions of these ids say."""
        answers = await asyncio.gather(*(self._describe(http, name) for name in ids))
        found: dict[str, Finding] = {}
        for name, answer in zip(ids, answers, strict=True):
            if isinstance(answer, Stop):
                return answer
            if answer is not None:
                found[name] = answer
        return found

    async def _describe(self, http: httpx.AsyncClient, name: str) -> Finding | Stop | None:
        try:
            response = await http.get(f"{self._url}/{quote(name, safe='')}.json")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("our own videos cannot be reached: %s", type(error).__name__)
            return Stop.UNAVAILABLE
        if response.status_code in (404, 410):
            return Unfit.VANISHED
        if response.status_code != 200:
            log.warning("the host of our own videos answered %d", response.status_code)
            return Stop.REFUSED if response.status_code < 500 else Stop.UNAVAILABLE
        try:
            told = msgspec.json.decode(response.content, type=_Description)
        except ValueError:
            return None
        if told.duration_seconds < 1:
            return None
        if told.duration_seconds > DURATION_SECONDS_MAX:
            return Unfit.TOO_LONG
        return Facts(told.title, told.duration_seconds, told.regions)
