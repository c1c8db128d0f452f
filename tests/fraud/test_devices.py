"""Many accounts from one device: who has to verify, and who was there first."""

from datetime import timedelta

from runtime.clock import utcnow
from tests.kit.accounts import sent_code
from tests.kit.fingerprints import SIGNALS
from tests.kit.fraud import logged, refusal
from tests.kit.world import World


async def test_ten_accounts_from_one_device_have_to_verify(world: World) -> None:
    """They come at once: none of them was there before the others."""
    people = await world.people(10)
    for number, person in enumerate(people, start=1):
        token = (await person.post("/v1/me/device", SIGNALS)).json()["device_token"]
        await world.drain()
        flagged = await world.value("SELECT count(*) FROM fraud_logs")
        assert flagged == (0 if number <= 3 else number)
    assert set(await logged(world)) == {("MULTI_ACCOUNT", "HIGH")}
    assert {await refusal(person) for person in people} == {"VERIFICATION_REQUIRED"}
    person = people[0]
    for statement in ("SELECT 1", "DELETE FROM intents WHERE kind = 'fraud.flag'"):
        await world.rows(statement)  # also when the intents are pruned
        await person.post("/v1/me/device", SIGNALS)
        await world.drain()
        assert len(await logged(world)) == 10  # each once
    sent = await person.post("/v1/auth/verification-code")
    assert sent.status_code == 204, sent.text
    email = await world.value("SELECT 'person1@example.com'")
    code = sent_code(world, email)
    assert (await person.post("/v1/auth/verify", {"code": code})).status_code == 204
    assert await refusal(person) != "VERIFICATION_REQUIRED"
    assert token


async def multi_accounts(world: World) -> list[int]:
    """Who was flagged for one account too many."""
    query = "SELECT user_id FROM fraud_logs WHERE event_type = 'MULTI_ACCOUNT' ORDER BY created_at"
    return [row.user_id for row in await world.rows(query)]


async def test_whoever_was_there_first_does_not_bear_who_comes(world: World) -> None:
    """Anybody can send somebody's six signals."""
    owner, *strangers = await world.people(11)
    for person in (owner, *strangers):
        await person.post("/v1/me/device", SIGNALS)
        await world.drain()
        world.move_to(utcnow() + timedelta(microseconds=1))
    late = [person.id for person in strangers[2:]]
    assert await multi_accounts(world) == late
    for person in (owner, *strangers):  # at each start of the app
        await person.post("/v1/me/device", SIGNALS)
    await world.drain()
    assert await multi_accounts(world) == late
    assert await refusal(owner) is None
    assert await refusal(strangers[-1]) == "VERIFICATION_REQUIRED"


async def test_whoever_is_known_from_before_was_there_first(world: World) -> None:
    people = await world.people(4)
    for person in people[:3]:
        await person.post("/v1/me/device", SIGNALS)
    await world.rows("UPDATE fingerprints SET came_at = NULL RETURNING 1")
    await people[3].post("/v1/me/device", SIGNALS)
    await world.drain()
    assert await multi_accounts(world) == [people[3].id]
