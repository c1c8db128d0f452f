"""What the framework cannot read off the handlers: intents, problems, examples, who signs."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from api.web_base.permissions import handlers_of, is_public
from api.web_base.problems import MEDIA_TYPE, TYPE_PREFIX
from engine.core.action import Action
from engine.core.outcome import Reason
from engine.decide import RULES
from engine.domains import results_of

# A test holds them to the document that they are part of; tests/kit/examples.py adds what is
# missing.
EXAMPLES_FILE = Path(__file__).parent.with_name("examples.json")

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
_SCHEMAS = "#/components/schemas/"
# What members' intents bring, by name. At once: tests freeze the time of what comes later.
_RESULTS = msgspec.json.schema_components(
    dict.fromkeys(
        result for action in RULES for result in results_of(action) if result.__struct_fields__
    ),
    ref_template=_SCHEMAS + "{name}",
)[1]
_TEXT = Schema(type=OpenAPIType.STRING)
_INSTANT = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME)


class Examples(msgspec.Struct, frozen=True):
    """Problems by type, requests by operation ("POST /v1/boosts"), answers also by status."""

    problems: dict[str, dict[str, Any]]
    requests: dict[str, Any]
    responses: dict[str, dict[str, dict[str, Any]]]


@cache
def examples() -> Examples:
    """What requests and answers look like."""
    return msgspec.json.decode(EXAMPLES_FILE.read_bytes(), type=Examples)


def _problem_schema() -> Schema:
    slugs = {*examples().problems, *(r.value.lower().replace("_", "-") for r in Reason)}
    return Schema(
        type=OpenAPIType.OBJECT,
        title="Problem",
        description="RFC 9457. `type` is stable; docs/problems.md lists them all.",
        required=["type", "title", "status", "detail"],
        properties={
            "type": Schema(
                type=OpenAPIType.STRING, enum=[TYPE_PREFIX + slug for slug in sorted(slugs)]
            ),
            "title": _TEXT,
            "status": Schema(type=OpenAPIType.INTEGER),
            "detail": _TEXT,
            "retry_at": _INSTANT,
            "opens_at": _INSTANT,
            "reason": _TEXT,
            "errors": Schema(
                type=OpenAPIType.ARRAY,
                items=Schema(type=OpenAPIType.OBJECT, additional_properties=_TEXT),
            ),
        },
    )


# Said once, and referred to by every operation that may answer so.
_PROBLEMS = {
    "400": "Not in the documented form",
    "401": "Not signed in",
    "403": "Not allowed, or not before something else is done",
    "404": "Not there, or somebody else's",
    "409": "Not as things stand",
    "408": "The body did not arrive in time",
    "413": "Body too large",
    "414": "Address too long",
    "422": "Understood, and wrong",
    "429": "Too often; Retry-After says when",
    "431": "Headers too large",
    "503": "Temporarily unavailable; Retry-After says when",
}


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """`responses=` of a route: problems that its signature does not tell of."""
    return {status: ResponseSpec(None) for status in statuses}


def describe(app: Litestar) -> None:
    """Complete the document that the framework made; in place, since it is kept by reference."""
    openapi = app.openapi_schema
    public = {(method, path) for path, method, handler in handlers_of(app) if is_public(handler)}
    asked = {(m, path): h.opt["asks"] for path, m, h in handlers_of(app) if "asks" in h.opt}
    for schema in openapi.components.schemas.values():
        _translate_patterns(schema)
    openapi.components.schemas["Problem"] = _problem_schema()
    openapi.components.schemas.update(_RESULTS)
    openapi.components.responses = {
        status: _problem(status, text) for status, text in _PROBLEMS.items()
    }
    for path, item in (openapi.paths or {}).items():
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            operation = getattr(item, method.lower())
            if operation is not None:
                if (method, path) in public:
                    operation.security = []
                _describe_operation(path, operation, asked.get((method, path)))
                _show(f"{method} {path}", operation)


def _translate_patterns(schema: Any) -> None:
    """A pattern is ECMAScript's to the readers of the document: `\\Z` means nothing there."""
    if isinstance(schema, Schema):
        if schema.pattern and schema.pattern.endswith("\\Z"):
            schema.pattern = schema.pattern.removesuffix("\\Z") + "$"
        for inner in (*(schema.properties or {}).values(), *(schema.one_of or ()), schema.items):
            _translate_patterns(inner)


def _problem(status: str, description: str) -> OpenAPIResponse:
    schema = Reference("#/components/schemas/Problem")
    shown = {
        slug: Example(summary=problem["title"], value=_whole(problem))
        for slug, problem in examples().problems.items()
        if str(problem["status"]) == status
    }
    content = {MEDIA_TYPE: OpenAPIMediaType(schema=schema, examples={**shown})}
    return OpenAPIResponse(description, content=content)


def _whole(example: Any) -> msgspec.Raw:
    """As it is: the framework would leave out what is null."""
    return msgspec.Raw(msgspec.json.encode(example))


def _show(name: str, operation: Operation) -> None:
    """Put the examples of an operation where tools look for them."""
    known = examples()
    if name in known.requests and isinstance(operation.request_body, RequestBody):
        for media in operation.request_body.content.values():
            media.example = _whole(known.requests[name])
    for status, shown in known.responses.get(name, {}).items():
        response = (operation.responses or {})[status]
        if isinstance(response, OpenAPIResponse):
            for media in (response.content or {}).values():
                media.examples = {key: Example(value=_whole(each)) for key, each in shown.items()}


def _describe_operation(path: str, operation: Operation, asked: type[Action] | None) -> None:
    responses: dict[str, Any] = operation.responses or {}
    parameters = list(operation.parameters or [])
    for parameter in parameters:
        _translate_patterns(getattr(parameter, "schema", None))
    if asked is not None:
        _describe_intent(asked, responses, parameters)
    if isinstance(operation.request_body, RequestBody):
        operation.request_body.required = not _may_be_absent(operation.request_body)
    if path == "/v1/intents/{intent_id}":
        recorded = OpenAPIMediaType(schema=Reference("#/components/schemas/IntentView"))
        responses["202"] = OpenAPIResponse("Not yet known", content={"application/json": recorded})
    if "204" in responses:
        responses["204"] = OpenAPIResponse(description="Done")
    if path == "/v1/mining/status":
        responses["304"] = OpenAPIResponse(description="Nothing changed")
        parameters.append(IF_NONE_MATCH)
    if "/callbacks/" in path:
        responses.pop("201", None)
        responses["200"] = OpenAPIResponse(
            description="Understood, whether it had an effect or not"
        )
    operation.parameters = parameters or None
    for status in sorted(_statuses(operation, responses, parameters)):
        responses[status] = Reference(f"#/components/responses/{status}")


def _may_be_absent(body: RequestBody) -> bool:
    schemas = [media.schema for media in body.content.values()]
    variants = [one for each in schemas if isinstance(each, Schema) for one in each.one_of or []]
    return any(isinstance(one, Schema) and one.type == OpenAPIType.NULL for one in variants)


def _view_of(action: type[Action]) -> dict[str, Any]:
    """An intent whose `result` is what this kind brings."""
    refs = [{"$ref": _SCHEMAS + result.__name__} for result in results_of(action)]
    result = {"anyOf": [*refs, {"type": "null"}]}
    view = {"$ref": _SCHEMAS + "IntentView"}
    return {"allOf": [view, {"type": "object", "properties": {"result": result}}]}


def _describe_intent(asked: type[Action], responses: dict[str, Any], parameters: list[Any]) -> None:
    recorded = responses["202"]
    recorded.description = "Recorded; `Location` tells what becomes of it"
    schema: Any = _view_of(asked)
    content = {"application/json": OpenAPIMediaType(schema=schema)}
    responses["200"] = OpenAPIResponse("The outcome is known", content=content)
    responses["404"] = responses["422"] = recorded  # replaced by their problems
    parameters += [IDEMPOTENCY_KEY, PREFER]


def _statuses(
    operation: Operation, responses: Mapping[str, Any], parameters: Sequence[Any]
) -> set[str]:
    """The problems of an operation: those its route names, and what follows from its form."""
    statuses = {status for status in responses if status >= "400"} - {"400"}
    statuses |= {"408", "413", "414", "429", "431", "503"}  # the gate's, and those of too much
    if parameters or operation.request_body:
        statuses |= {"400"}
    if operation.security:
        statuses |= {"401", "403"}
    if any(parameter.param_in == "path" for parameter in parameters):
        statuses |= {"404"}
    return statuses
