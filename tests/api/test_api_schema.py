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

from engine.core.role import Role
from tests.kit.documented import document
from tests.kit.staff import staff
from tests.kit.world import Person, World

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


class Boss:
    """Who may do everything; somebody else after each change, which may have been of themselves."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._person: Person | None = None

    async def present(self) -> Person:
        """Whoever it is now."""
        if self._person is None:
            self._person = await staff(self._world, Role.SUPERADMIN)
        return self._person

    def leave(self) -> None:
        """Make room for another one."""
        self._person = None


@pytest.fixture
def boss(world: World) -> Boss:
    """A superadmin."""
    return Boss(world)


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
    world: World, boss: "Boss", operation: Any, data: st.DataObject, is_signed_in: bool
) -> None:
    world.services.streams.close()  # each ends after its first events
    case: Case[Any] = data.draw(cases(operation))
    headers = (await boss.present()).headers if is_signed_in else None
    sent = case.as_transport_kwargs(headers=headers)
    body = {"json": sent["json"]} if "json" in sent else {"content": sent.get("data")}
    raw = [(name.encode(), str(value).encode()) for name, value in sent["headers"].items()]
    answer = await world.http.request(
        sent["method"], sent["url"], params=sent["params"], headers=raw, **body
    )
    if operation.method != "get" and answer.is_success:
        boss.leave()
    case.validate_response(Response.from_any(answer), checks=CHECKS)
