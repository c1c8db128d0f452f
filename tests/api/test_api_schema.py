"""The whole OpenAPI document, asked whatever it allows and what it does not (schemathesis)."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from engine.admin.permissions import Role
from tests.kit.documented import document
from tests.kit.staff import staff
from tests.kit.world import World

SCHEMA = schemathesis.openapi.from_dict(document())
SCHEMA.config.generation.update(modes=list(GenerationMode))
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def cases(operation: Any) -> Any:
    """What the document allows, and what it does not."""
    return st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
@settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data(), is_signed_in=st.booleans())
async def test_every_operation_keeps_to_the_document(
    world: World, operation: Any, data: st.DataObject, is_signed_in: bool
) -> None:
    world.services.streams.close()  # each ends after its first events
    case: Case[Any] = data.draw(cases(operation))
    headers = (await staff(world, Role.SUPERADMIN)).headers if is_signed_in else None
    sent = case.as_transport_kwargs(headers=headers)
    body = {"json": sent["json"]} if "json" in sent else {"content": sent.get("data")}
    raw = [(name.encode(), str(value).encode()) for name, value in sent["headers"].items()]
    answer = await world.http.request(
        sent["method"], sent["url"], params=sent["params"], headers=raw, **body
    )
    case.validate_response(Response.from_any(answer), checks=CHECKS)
