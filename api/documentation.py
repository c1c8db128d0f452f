"""What the framework cannot read off the handlers: intents, problems, and who signs callbacks."""

from litestar.openapi.spec import (
    OpenAPI,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from api.problems import MEDIA_TYPE

IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    param_in="header",
    required=True,
    description="A new random value for each action, kept for its retries: the same key gives the "
    "same intent. With another body it is refused (422).",
    schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=255, pattern="^[!-~]+$"),
)
PREFER = Parameter(
    name="Prefer",
    param_in="header",
    required=False,
    description="`wait=N`: wait up to N seconds, 10 at most, for the outcome (RFC 7240).",
    schema=Schema(type=OpenAPIType.STRING, examples=["wait=5"]),
)
IF_NONE_MATCH = Parameter(
    name="If-None-Match",
    param_in="header",
    required=False,
    description="The ETag of the last answer: 304 without a body while nothing changed.",
    schema=Schema(type=OpenAPIType.STRING),
)
_TEXT = Schema(type=OpenAPIType.STRING)
_INSTANT = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME)
PROBLEM = Schema(
    type=OpenAPIType.OBJECT,
    title="Problem",
    description="RFC 9457. `type` is stable; docs/problems.md lists them all.",
    required=["type", "title", "status", "detail"],
    properties={
        "type": _TEXT,
        "title": _TEXT,
        "status": Schema(type=OpenAPIType.INTEGER),
        "detail": _TEXT,
        "retry_at": _INSTANT,
        "opens_at": _INSTANT,
        "reason": _TEXT,
        "errors": Schema(type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.OBJECT)),
    },
)


def describe(openapi: OpenAPI) -> None:
    """Complete the document that the framework made; in place, since it is kept by reference."""
    openapi.components.schemas["Problem"] = PROBLEM
    for path, item in (openapi.paths or {}).items():
        for operation in (item.get, item.post, item.put, item.patch, item.delete):
            if operation is not None:
                _describe_operation(path, operation)


def _describe_operation(path: str, operation: Operation) -> None:
    responses = operation.responses or {}
    responses.pop("400", None)
    responses["default"] = OpenAPIResponse(
        description="A problem",
        content={MEDIA_TYPE: OpenAPIMediaType(schema=Reference("#/components/schemas/Problem"))},
    )
    parameters = list(operation.parameters or [])
    recorded, body = responses.get("202"), operation.request_body
    if isinstance(recorded, OpenAPIResponse):
        recorded.description = "Recorded; `Location` tells what becomes of it"
        known = OpenAPIResponse(description="The outcome is known", content=recorded.content)
        responses["200"] = known
        parameters += [IDEMPOTENCY_KEY, PREFER]
        if isinstance(body, RequestBody):
            body.required = False
    if path == "/v1/mining/status":
        responses["304"] = OpenAPIResponse(description="Nothing changed")
        parameters.append(IF_NONE_MATCH)
    if "/callbacks/" in path:
        operation.security = []
        responses.pop("201", None)
        responses["200"] = OpenAPIResponse(
            description="Understood, whether it had an effect or not"
        )
    operation.parameters = parameters or None
