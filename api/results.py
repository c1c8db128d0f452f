"""What an applied intent's `result` holds, for the document: rules build it as plain facts."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Day = Annotated[str, Meta(extra_json_schema={"format": "date"})]
Instant = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Amount = Annotated[str, Meta(description="Decimal TWTC.")]


class Ad(Struct):
    """An ad to show: on `page_url` if its network has one, else by the network's SDK."""

    view_id: UUID
    network: str
    unit: str
    nonce: Annotated[str, Meta(description="Custom data for the network's SDK, as it is.")]
    min_seconds: int
    proof: str
    try_number: int
    started_at: Instant | None
    page_url: str | None = None


class AdResult(Struct):
    """The view whose clock runs now."""

    ad: Ad


class SessionResult(Struct):
    """A session; with an `ad` while one is to be watched for it."""

    session_id: UUID
    status: str
    started_at: Instant | None
    ends_at: Instant | None
    expires_at: Instant | None
    ad: Ad | UnsetType = UNSET


class BoostResult(Struct):
    """A boost; a new one with the token for the first beat."""

    boost_id: UUID
    video_id: str
    status: str
    duration_seconds: int
    reward: Amount
    started_at: Instant
    answer_by: Instant | None
    is_correct: bool | None
    watch_token: str | UnsetType = UNSET


class Asked(Struct):
    """A question by language; its options are numbered from 0."""

    text: dict[str, str]
    options: dict[str, list[str]]


class TaskResult(Struct):
    """A task; with what has to be done for it, or what came of that."""

    day: Day
    number: int
    category: str
    status: str
    reward: Amount
    article: str | None
    started_at: Instant | None
    attempts_left: int | None
    ad: Ad | UnsetType = UNSET
    question: Asked | UnsetType = UNSET
    is_correct: bool | UnsetType = UNSET
    bonus: bool | UnsetType = UNSET


OF_PATHS: dict[str, Any] = {
    "/v1/mining/sessions": SessionResult,
    "/v1/ads/views/{view_id}/started": AdResult,
    "/v1/ads/views/{view_id}/completed": SessionResult | TaskResult,
    "/v1/ads/views/{view_id}/failed": SessionResult | TaskResult,
    "/v1/boosts": BoostResult,
    "/v1/boosts/{boost_id}/failed": BoostResult,
    "/v1/boosts/{boost_id}/answer": BoostResult,
    "/v1/tasks/{number}/started": TaskResult,
    "/v1/tasks/{number}/completed": TaskResult,
    "/v1/tasks/{number}/answer": TaskResult,
}
_TEMPLATE = "#/components/schemas/{name}"

AD: Any = {"anyOf": [{"$ref": _TEMPLATE.format(name="Ad")}, {"type": "null"}]}


def result_components() -> dict[str, Any]:
    """The JSON Schemas of all results, by name."""
    known = [Ad, AdResult, SessionResult, BoostResult, Asked, TaskResult]
    return msgspec.json.schema_components(known, ref_template=_TEMPLATE)[1]


def result_schema(path: str) -> dict[str, Any]:
    """An intent whose `result` is the one of this path."""
    types = getattr(OF_PATHS[path], "__args__", (OF_PATHS[path],))
    refs = [{"$ref": _TEMPLATE.format(name=each.__name__)} for each in types]
    result = {"anyOf": [*refs, {"type": "null"}]}
    view = {"$ref": _TEMPLATE.format(name="IntentView")}
    return {"allOf": [view, {"type": "object", "properties": {"result": result}}]}
