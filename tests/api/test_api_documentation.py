"""The OpenAPI document says what a client must send and may get, with examples that hold."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jsonschema_rs
import pytest

from api.web_base.documentation import examples
from api.web_base.problems import MEDIA_TYPE, TYPE_PREFIX
from engine.core.outcome import Reason
from tests.kit.documented import document
from tests.kit.problems import documented, slugs_in_code
from tests.kit.world import World


class Operation(NamedTuple):
    name: str
    described: dict[str, Any]

    def media(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Where examples belong: the JSON body, and the contents of each answer of 2xx."""
        body = self.described.get("requestBody", {"content": {}})
        for kind, media in body["content"].items():
            yield f"body {kind}", media
        for status, response in self.described["responses"].items():
            if status.startswith("2"):
                for kind, media in response.get("content", {}).items():
                    yield f"{status} {kind}", media


OPERATIONS = [
    Operation(f"{method.upper()} {path}", operation)
    for path, item in document()["paths"].items()
    for method, operation in item.items()
]


def is_valid(schema: dict[str, Any], value: Any) -> str:
    """Why a value does not fit a schema of the document; empty if it does."""
    whole = schema | {"components": document()["components"]}
    errors = jsonschema_rs.Draft202012Validator(whole).iter_errors(value)
    return "; ".join(f"{error.message} at {error.instance_path}" for error in errors)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_says_what_it_does_and_shows_it(operation: Operation) -> None:
    described = operation.described
    assert described["summary"]
    assert described["tags"]
    for where, media in operation.media():
        shown = [each["value"] for each in media.get("examples", {}).values()]
        shown += [media["example"]] if "example" in media else []
        assert shown, f"{where} has no example: see tests/kit/examples.py"
        for value in shown:
            if "json" in where:
                assert is_valid(media["schema"], value) == "", where


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_names_its_problems(operation: Operation) -> None:
    refusals = {s: r for s, r in operation.described["responses"].items() if s >= "400"}
    assert {"429", "503"} <= refusals.keys()
    for status, refusal in refusals.items():
        assert refusal == {"$ref": f"#/components/responses/{status}"}


def test_each_problem_is_shown_under_its_status() -> None:
    shown: dict[str, Any] = {}
    for status, response in document()["components"]["responses"].items():
        media = response["content"][MEDIA_TYPE]
        assert media["examples"], status
        for slug, example in media["examples"].items():
            problem = shown[slug] = example["value"]
            assert problem["type"] == TYPE_PREFIX + slug
            assert str(problem["status"]) == status
            assert is_valid(media["schema"], problem) == ""
    refused = {reason.value.lower().replace("_", "-") for reason in Reason}
    never_documented = {"method-not-allowed", "internal"}
    assert shown.keys() >= documented() - refused - never_documented
    [types] = [document()["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]]
    assert {each.removeprefix(TYPE_PREFIX) for each in types} == slugs_in_code()


def test_no_example_is_of_something_else() -> None:
    names = {operation.name: operation.described["responses"] for operation in OPERATIONS}
    assert examples().requests.keys() <= names.keys()
    for name, shown in examples().responses.items():
        assert shown.keys() <= names[name].keys(), name


async def test_who_signs_and_with_which_key(world: World) -> None:
    paths = (await world.http.get("/docs/openapi.json")).json()["paths"]
    start = paths["/v1/mining/sessions"]["post"]
    headers = {p["name"]: p["required"] for p in start["parameters"] if p["in"] == "header"}
    assert headers == {"Idempotency-Key": True, "Prefer": False}
    refusals = {"400", "401", "403", "404", "408", "413", "414", "422", "429", "431", "503"}
    assert {"200", "202"} | refusals == set(start["responses"])
    assert not paths["/v1/ads/callbacks/{network}"]["post"].get("security")
    assert start["security"] == [{"bearer": []}]
