"""YouTube Data API v3: which of our videos can be embedded, and how long they are.

`GET /youtube/v3/videos` takes 50 ids and costs one unit, whatever it finds; a project has 10,000
units a day.
"""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence

import httpx
import msgspec
from msgspec import Struct

from engine.content.videos import Facts, Finding, Regions, Unfit
from workers.videos.contract import DURATION_SECONDS_MAX, Stop

log = logging.getLogger(__name__)
# It would write the whole address of every request, and the key with it.
logging.getLogger("httpx").setLevel(logging.WARNING)

URL = "https://www.googleapis.com"
UNITS_PER_DAY = 10_000
ATTEMPTS_MAX = 3
RETRY_SECONDS = 2.0

_QUOTA_REASONS = frozenset(
    {"quotaExceeded", "dailyLimitExceeded", "rateLimitExceeded", "userRateLimitExceeded"}
)
_DURATION = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,4})W)?(?:([0-9]{1,4})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,8})S)?)?"
)
_UNIT_SECONDS = (604_800, 86_400, 3_600, 60, 1)


class _Snippet(Struct, frozen=True, rename="camel"):
    title: str
    live_broadcast_content: str = "none"


class _Rating(Struct, frozen=True, rename="camel"):
    yt_rating: str | None = None


class _ContentDetails(Struct, frozen=True, rename="camel"):
    duration: str
    region_restriction: Regions = Regions()
    content_rating: _Rating = _Rating()


class _Status(Struct, frozen=True, rename="camel"):
    embeddable: bool
    privacy_status: str


class _Item(Struct, frozen=True, rename="camel"):
    snippet: _Snippet
    content_details: _ContentDetails
    status: _Status


class _Identity(Struct, frozen=True):
    id: str


class _Answer(Struct, frozen=True):
    items: list[msgspec.Raw]


class _Reason(Struct, frozen=True):
    reason: str = ""


class _Error(Struct, frozen=True):
    errors: list[_Reason] = []


class _Refusal(Struct, frozen=True):
    error: _Error


def read_duration(text: str) -> int | None:
    """Seconds of an ISO 8601 duration like PT4M13S or P1DT2H; None for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    return sum(int(n or 0) * unit for n, unit in zip(match.groups(), _UNIT_SECONDS, strict=True))


class YouTube:
    """Asks with an API key, which never appears in a log."""

    name = "youtube"
    batch_size = 50
    batches_max = UNITS_PER_DAY // ATTEMPTS_MAX

    def __init__(self, key: str, url: str = URL, retry_seconds: float = RETRY_SECONDS) -> None:
        self._key = key
        self._url = f"{url}/youtube/v3/videos"
        self._retry_seconds = retry_seconds

    async def look_up(
        self, http: httpx.AsyncClient, ids: Sequence[str]
    ) -> Mapping[str, Finding] | Stop:
        """What YouTube says of up to 50 ids. Outages are tried again a little later."""
        params = {
            "part": "snippet,contentDetails,status",
            "id": ",".join(ids),
            "key": self._key,
        }
        for attempt in range(ATTEMPTS_MAX):
            if attempt:
                await asyncio.sleep(self._retry_seconds * attempt)
            try:
                response = await http.get(self._url, params=params, follow_redirects=False)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                log.warning("YouTube cannot be reached: %s", type(error).__name__)
                continue
            if response.status_code < 500 and response.status_code != 429:
                return _read(response, ids)
            log.warning("YouTube answered %d", response.status_code)
        return Stop.UNAVAILABLE


def _read(response: httpx.Response, ids: Sequence[str]) -> Mapping[str, Finding] | Stop:
    if response.status_code != 200:
        return _refused(response)
    try:
        items = {
            msgspec.json.decode(raw, type=_Identity).id: raw
            for raw in msgspec.json.decode(response.content, type=_Answer).items
        }
    except ValueError:
        # Without its id an item cannot be told from one that has vanished.
        return Stop.MALFORMED
    found = {name: _judge(items[name]) if name in items else Unfit.VANISHED for name in ids}
    return {name: finding for name, finding in found.items() if finding is not None}


def _refused(response: httpx.Response) -> Stop:
    try:
        refusal = msgspec.json.decode(response.content, type=_Refusal)
    except ValueError:
        reasons = set[str]()
    else:
        reasons = {each.reason for each in refusal.error.errors}
    if reasons & _QUOTA_REASONS:
        return Stop.QUOTA_SPENT
    log.error("YouTube refuses us: %d, %s", response.status_code, ", ".join(sorted(reasons)))
    return Stop.REFUSED


def _judge(raw: msgspec.Raw) -> Finding | None:
    """What an item says; None if it does not say it clearly."""
    try:
        item = msgspec.json.decode(raw, type=_Item)
    except ValueError:
        return None
    details = item.content_details
    seconds = read_duration(details.duration)
    if seconds is None:
        return None
    unfit = {
        Unfit.NOT_PUBLIC: item.status.privacy_status != "public",
        Unfit.NOT_EMBEDDABLE: not item.status.embeddable,
        Unfit.AGE_RESTRICTED: details.content_rating.yt_rating == "ytAgeRestricted",
        Unfit.BLOCKED_EVERYWHERE: details.region_restriction.allowed == [],
        Unfit.LIVE: seconds == 0 or item.snippet.live_broadcast_content != "none",
        Unfit.TOO_LONG: seconds > DURATION_SECONDS_MAX,
    }
    because = next((reason for reason, applies in unfit.items() if applies), None)
    return because or Facts(item.snippet.title, seconds, details.region_restriction)
