"""The OpenAPI document says what a client must send and may get."""

from tests.world import World


async def test_the_document_names_keys_problems_and_who_signs(world: World) -> None:
    answer = await world.http.get("/docs/openapi.json")
    paths = answer.json()["paths"]
    start = paths["/v1/mining/sessions"]["post"]
    headers = {p["name"]: p["required"] for p in start["parameters"] if p["in"] == "header"}
    assert headers == {"Idempotency-Key": True, "Prefer": False}
    assert {"200", "202", "default"} == set(start["responses"])
    problem = start["responses"]["default"]["content"]["application/problem+json"]
    assert problem == {"schema": {"$ref": "#/components/schemas/Problem"}}
    assert "Problem" in answer.json()["components"]["schemas"]
    assert not paths["/v1/ads/callbacks/{network}"]["post"].get("security")
    assert start["security"] == [{"bearer": []}]
