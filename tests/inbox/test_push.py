"""Notifications: written with their effect, read in the inbox, told to phones at least once."""

from datetime import timedelta
from uuid import UUID

import pytest

from engine.core.errands import TellPhones
from engine.core.piece import Lane, Piece
from engine.core.timeline import phase_in_window
from models.intents.errands import LEASE, claim_errands, pieces_with_errands
from runtime.clock import utcnow
from tests.kit.counterpart import Reply
from tests.kit.fcm_google import Google, refusal
from tests.kit.push import (
    OTHER,
    TOKEN,
    due,
    fcm,
    mine_a_cycle,
    push,
    register,
    tell_again,
    with_phone,
)
from tests.kit.words import at
from tests.kit.world import World
from workers.apply import drain

__all__ = ["fcm"]  # a fixture

UNREGISTERED = refusal(404, "NOT_FOUND", "UNREGISTERED")
PAGE = b"<html><body>404: no such route here</body></html>"


async def test_a_phone_is_told_what_the_inbox_says_once(world: World, fcm: Google) -> None:
    person = await with_phone(world)
    await mine_a_cycle(world, person)
    await push(world)
    await push(world)
    [message] = [m for m in fcm.messages if m["data"]["kind"] == "mining.completed"]
    assert message["notification"] == {"title": "Mining complete!", "body": "+100 TWTC"}
    notes = (await person.get("/v1/notifications")).json()["items"]
    assert message["data"]["notification_id"] in [note["id"] for note in notes]
    assert message["token"] == TOKEN
    assert await due(world) == 0


async def test_a_phone_is_told_in_its_language(world: World, fcm: Google) -> None:
    await mine_a_cycle(world, await with_phone(world, language="ar"))
    await push(world)
    assert "اكتمل التعدين!" in [m["notification"]["title"] for m in fcm.messages]


async def test_without_a_phone_nothing_waits_to_be_sent(world: World, fcm: Google) -> None:
    await mine_a_cycle(world, await world.person(group_number=1))
    assert await due(world) == 0
    assert await pieces_with_errands(world.database, utcnow()) == []


async def test_without_a_sender_notifications_stay_in_the_inbox(world: World) -> None:
    person = await with_phone(world)
    await mine_a_cycle(world, person)
    await push(world)
    assert await due(world) == 0
    assert (await person.get("/v1/notifications")).json()["items"]


@pytest.mark.parametrize(
    "reply",
    [
        UNREGISTERED,
        refusal(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
        refusal(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "message.token"),
    ],
)
async def test_a_token_that_is_of_no_use_is_forgotten(
    world: World, fcm: Google, reply: Reply
) -> None:
    person = await with_phone(world)
    fcm.answers[TOKEN] = [reply] * 9
    await mine_a_cycle(world, person)
    await push(world)
    assert await world.value("SELECT count(*) FROM devices") == 0
    assert await due(world) == 0


@pytest.mark.parametrize(
    "reply",
    [
        refusal(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),  # our key at Apple's
        refusal(403, "PERMISSION_DENIED"),
        refusal(404, "NOT_FOUND"),  # no such project
        refusal(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
        Reply(404, PAGE),
        Reply(403, PAGE),
        Reply(400, PAGE + b" registration token"),
        Reply(200, PAGE),
        Reply(404, b'{"error": "no such route"}'),
    ],
)
async def test_what_says_nothing_of_a_phone_forgets_none(
    world: World, fcm: Google, reply: Reply
) -> None:
    """A proxy's page, a key that is wrong: the phone is told when that is set right."""
    person = await with_phone(world)
    fcm.answers[TOKEN] = [reply] * 9
    await mine_a_cycle(world, person)
    renewed = fcm.tokens_given
    await push(world)
    assert await world.value("SELECT count(*) FROM devices") == 1
    assert fcm.messages == [] and fcm.tokens_given <= renewed + 1
    waiting = await due(world)
    assert waiting
    fcm.answers.clear()
    world.move_to(utcnow() + timedelta(minutes=10))
    await push(world)
    assert len(fcm.messages) == waiting
    assert await due(world) == 0


@pytest.mark.parametrize(
    "reply", [Reply(503, b""), refusal(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR")]
)
async def test_a_phone_that_was_told_is_not_told_for_anothers_sake(
    world: World, fcm: Google, reply: Reply
) -> None:
    person = await with_phone(world)
    await register(person, OTHER)
    fcm.answers[OTHER] = [reply] * 99
    await mine_a_cycle(world, person)
    for _ in range(6):
        await push(world)
        world.move_to(utcnow() + timedelta(minutes=10))
    told = [(m["token"], m["data"]["notification_id"]) for m in fcm.messages]
    assert len(told) == len(set(told)) and {token for token, _ in told} == {TOKEN}
    assert await due(world) == 0


async def test_a_message_that_cannot_be_is_dropped_and_its_phone_kept(
    world: World, fcm: Google
) -> None:
    person = await with_phone(world)
    reply = refusal(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "message.android.ttl")
    fcm.answers[TOKEN] = [reply] * 9
    await mine_a_cycle(world, person)
    await push(world)
    assert await world.value("SELECT count(*) FROM devices") == 1
    assert await due(world) == 0


async def test_a_repeat_takes_the_place_of_what_it_repeats(world: World, fcm: Google) -> None:
    """A worker may die after it has told a phone: what it tells again is the same message."""
    person = await with_phone(world)
    await mine_a_cycle(world, person)
    await push(world)
    await tell_again(world, person)
    await push(world)
    first, *others = [m for m in fcm.messages if m["data"]["kind"] == "mining.completed"]
    assert others
    tag = first["data"]["notification_id"]
    for message in (first, *others):
        assert message["android"]["notification"]["tag"] == tag
        assert message["apns"]["headers"]["apns-collapse-id"] == tag
        assert message["webpush"]["notification"]["tag"] == tag


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (Reply(429, b"", {"Retry-After": "77"}), 77),
        (Reply(503, b""), 10),
        (Reply(500, b"", {"Retry-After": "soon"}), 10),
    ],
)
async def test_a_busy_vendor_is_asked_again_when_it_says(
    world: World, fcm: Google, reply: Reply, seconds: int
) -> None:
    world.move_to(at("00:05"))
    person = await with_phone(world)
    await person.mine()
    await world.go_to(at("04:10"))
    fcm.answers[TOKEN] = [reply] * await due(world)
    await push(world)
    for passed in (seconds - 1, 1):
        assert fcm.messages == []
        world.move_to(utcnow() + timedelta(seconds=passed))
        await push(world)
    assert len(fcm.messages) == await world.value("SELECT count(*) FROM notifications")


async def test_after_five_attempts_it_is_given_up(world: World, fcm: Google) -> None:
    person = await with_phone(world)
    fcm.answers[TOKEN] = [Reply(503, b"")] * 99
    await mine_a_cycle(world, person)
    for _ in range(5):
        await push(world)
        world.move_to(utcnow() + timedelta(minutes=10))
    assert await due(world) == 0


async def test_old_news_is_not_told(world: World, fcm: Google) -> None:
    person = await with_phone(world)
    await mine_a_cycle(world, person)
    world.move_to(utcnow() + timedelta(hours=2))
    await push(world)
    assert fcm.messages == []
    assert await due(world) == 0


async def test_an_access_token_that_is_refused_is_renewed_once(world: World, fcm: Google) -> None:
    person = await with_phone(world)
    await mine_a_cycle(world, person)
    await push(world)
    given, told = fcm.tokens_given, len(fcm.messages)
    fcm.tokens_valid.clear()
    await tell_again(world, person)
    await push(world)
    assert fcm.tokens_given == given + 1
    assert len(fcm.messages) == 2 * told


async def test_what_a_dead_worker_took_is_told_after_its_lease(world: World, fcm: Google) -> None:
    person = await with_phone(world)
    await mine_a_cycle(world, person)
    bucket = person.id % 64
    _, claimed = await claim_errands(world.database, bucket, TellPhones, utcnow(), 100)
    assert claimed
    await drain(world.shop, Piece(Lane.ERRANDS, bucket))
    assert fcm.messages == []
    world.move_to(utcnow() + LEASE)
    await push(world)
    assert len(fcm.messages) == len(claimed)


async def test_a_phone_that_changes_hands_tells_its_new_owner_only(
    world: World, fcm: Google
) -> None:
    first = await with_phone(world)
    second = await world.person(group_number=2)
    await register(second)
    await mine_a_cycle(world, first)
    await push(world)
    assert fcm.messages == []
    assert await world.value("SELECT user_id FROM devices") == second.id


async def test_a_phone_that_is_signed_out_is_told_nothing(world: World, fcm: Google) -> None:
    person = await world.person(group_number=1)
    other = await world.person()
    id_ = await register(person)
    for someone, status in ((other, 404), (person, 204)):
        answer = await world.http.delete(f"/v1/devices/{id_}", headers=someone.headers)
        assert answer.status_code == status
    await mine_a_cycle(world, person)
    await push(world)
    assert fcm.messages == []


async def test_everybody_is_reminded_once_at_their_phase(world: World, fcm: Google) -> None:
    people = [await with_phone(world, f"{TOKEN}-{number}") for number in range(6)]
    opens_at = people[0].next_opening()
    seconds = world.table.timing.window_seconds
    for minute in range(26):
        now = opens_at + timedelta(minutes=minute)
        await world.go_to(now)
        reminded = {
            r.user_id
            for r in await world.rows(
                "SELECT user_id FROM notifications WHERE kind = 'window.open'"
            )
        }
        expected = {p.id for p in people if opens_at + phase_in_window(seconds, p.id) <= now}
        assert reminded == expected, minute
    await push(world)
    assert len([m for m in fcm.messages if m["data"]["kind"] == "window.open"]) == len(people)


async def test_whoever_mines_already_is_not_reminded(world: World, fcm: Google) -> None:
    person = await with_phone(world)
    await world.go_to(person.next_opening())
    await world.rows("DELETE FROM notifications RETURNING id")
    await person.mine()
    await world.live_until(utcnow() + timedelta(minutes=23), timedelta(minutes=1))
    kinds = await world.rows("SELECT kind FROM notifications WHERE kind = 'window.open'")
    assert list(kinds) == []


async def test_the_inbox_knows_what_has_been_read(world: World) -> None:
    person = await world.person(group_number=1)
    await mine_a_cycle(world, person)
    assert (await person.get("/v1/notifications/unread")).json() == {"unread_count": 1}
    [note] = (await person.get("/v1/notifications")).json()["items"]
    answer = await person.post("/v1/notifications/read", {"ids": [str(UUID(int=1))]})
    assert answer.json() == {"unread_count": 1}
    answer = await person.post("/v1/notifications/read", {"ids": [note["id"]]})
    assert answer.json() == {"unread_count": 0}
    [note] = (await person.get("/v1/notifications")).json()["items"]
    assert note["read_at"] is not None
