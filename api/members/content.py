"""What there is to watch and to read. Answers to questions are in none of it."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any
from urllib.parse import quote

from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter
from msgspec import Struct

from api.web_base.etags import PRIVATE
from api.web_base.paging import After, Limit
from api.web_base.permissions import MEMBER
from api.web_base.problems import bad_request, not_found
from api.web_base.services import Services
from engine.content.videos import COUNTRIES, Category
from engine.core.text import COUNTRY, LINE
from engine.core.timeline import utc_day
from models.content.videos import Article, CatalogueVideo, read_article, read_usage
from runtime.clock import utcnow

YOUTUBE_THUMBNAIL = "https://i.ytimg.com/vi/{}/hqdefault.jpg"
Slug = Annotated[str, PathParameter(pattern=LINE)]

Country = Annotated[
    str | None,
    QueryParameter(
        name="country", pattern=COUNTRY, description="Where it is: ISO 3166-1, two letters."
    ),
]
About = Annotated[Category | None, QueryParameter(name="category", description="What it is about.")]
Region = Annotated[
    str | None,
    QueryParameter(
        name="region",
        pattern=COUNTRY,
        description="Where the viewer is: leaves out what its provider does not show there.",
    ),
]
Unused = Annotated[
    bool, QueryParameter(name="unused_today", description="Leave out what was answered today.")
]


class VideoView(Struct, frozen=True):
    """A video that may be boosted. `boost_percent` of the base reward is paid for its answer.

    A YouTube video is played in YouTube's own player, by its `provider_id`; one of our own from
    `media_url`.
    """

    id: str
    provider: str
    provider_id: str
    title: str
    channel: str
    country: str
    category: str
    thumbnail: str | None
    media_url: str | None
    duration_seconds: int
    boost_percent: int
    used_today: bool


class VideoPage(Struct, frozen=True):
    """By id. `boosts_left_today` counts until midnight UTC; a question that was put is one less."""

    items: list[VideoView]
    next_cursor: str | None
    boosts_left_today: int


@get("/videos", summary="Videos to boost with", response_headers=PRIVATE)
async def videos(
    services: NamedDependency[Services],
    user_id: NamedDependency[int],
    country: Country = None,
    category: About = None,
    region: Region = None,
    unused_today: Unused = False,
    cursor: After = None,
    limit: Limit = 20,
) -> VideoPage:
    """Videos, a page at a time, and what the user has used of them today."""
    _check_country("country", country)
    _check_country("region", region)
    after, now = _decode(cursor), utcnow()
    usage = await read_usage(services.database, user_id, utc_day(now))
    found = [
        video
        for video in await services.videos.at(now)
        if video.id > after
        and country in (None, video.country)
        and category in (None, video.category)
        and (region is None or video.regions.admits(region))
        and not (unused_today and video.id in usage.video_ids)
    ]
    settings = await services.configurations.at(now)
    own_url = services.config.own_videos_url
    items = [_view(video, own_url, video.id in usage.video_ids) for video in found[:limit]]
    return VideoPage(
        items,
        _encode(items[-1].id) if len(found) > limit else None,
        max(0, settings.boosts_per_day - usage.spent_count),
    )


@get("/articles/{slug:str}", summary="An article", response_headers=PRIVATE)
async def article(
    slug: Slug, services: NamedDependency[Services], user_id: NamedDependency[int]
) -> Article:
    """Title and text, by language."""
    found = await read_article(services.database, slug)
    if found is None:
        raise not_found("article")
    return found


def _view(video: CatalogueVideo, own_url: str, is_used: bool) -> VideoView:
    media_url = thumbnail = None
    if video.provider == "youtube":
        thumbnail = YOUTUBE_THUMBNAIL.format(video.provider_id)
    elif own_url:
        name = quote(video.provider_id, safe="")
        media_url, thumbnail = f"{own_url}/{name}.mp4", f"{own_url}/{name}.jpg"
    return VideoView(
        id=video.id,
        provider=video.provider,
        provider_id=video.provider_id,
        title=video.title,
        channel=video.channel,
        country=video.country,
        category=video.category,
        thumbnail=thumbnail,
        media_url=media_url,
        duration_seconds=video.duration_seconds,
        boost_percent=video.boost_percent,
        used_today=is_used,
    )


def _check_country(name: str, value: str | None) -> None:
    if value is not None and value not in COUNTRIES:
        raise bad_request(f"The {name} must be a code of ISO 3166-1 of two capital letters.")


def _encode(video_id: str) -> str:
    return urlsafe_b64encode(video_id.encode()).decode()


def _decode(cursor: str | None) -> str:
    """The id after which to go on; all ids come after the empty one."""
    try:
        after = urlsafe_b64decode((cursor or "").encode("ascii")).decode()
    except ValueError:
        after = ""
    if cursor is not None and not after:
        raise bad_request("This cursor is not one of ours.")
    return after


handlers: list[Any] = [videos, article]
router = Router(
    "/v1", route_handlers=handlers, tags=["content"], security=[{"bearer": []}], opt=MEMBER
)
