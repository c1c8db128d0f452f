"""Personal data at rest: sealed, bound to its row, found by an index, and rotated."""

import pytest
from msgspec.structs import replace

from models.accounts.register import find_account, find_by_identity
from models.accounts.sealing import seal_all
from models.base.db import connected, run, sql
from runtime.clock import utcnow
from runtime.pii import Keyring, UnreadableError
from tests.kit.accounts import reclaim, signed_up
from tests.kit.world import World

OLD, NEW = b"an-old-key-of-thirty-two-bytes!!", b"the-new-key-of-thirty-two-bytes!"
KEYRING = Keyring((OLD,), b"an-index-key-of-thirty-two-bytes")


def test_a_text_is_opened_in_its_place_and_in_no_other() -> None:
    sealed = KEYRING.seal("email", 7, "ann@example.com")
    assert "ann" not in sealed
    assert KEYRING.seal("email", 7, "ann@example.com") != sealed
    assert KEYRING.open("email", 7, sealed) == "ann@example.com"
    flipped = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]
    for field, user_id, text in (("phone", 7, sealed), ("email", 8, sealed), ("email", 7, flipped)):
        with pytest.raises(UnreadableError):
            KEYRING.open(field, user_id, text)
    with pytest.raises(UnreadableError):
        replace(KEYRING, secrets=(NEW,)).open("email", 7, sealed)
    assert replace(KEYRING, secrets=(NEW, OLD)).open("email", 7, sealed) == "ann@example.com"


def test_an_index_tells_kinds_and_keys_apart() -> None:
    assert KEYRING.index("email", "a@b.c") == KEYRING.index("email", "a@b.c")
    assert KEYRING.index("email", "a@b.c") != KEYRING.index("phone", "a@b.c")
    assert KEYRING.index("email", "a@b.c") != replace(KEYRING, index_secret=NEW).index(
        "email", "a@b.c"
    )


async def test_a_new_key_takes_over_while_people_sign_in(world: World) -> None:
    await signed_up(world)
    await signed_up(world, "bob@example.com")
    before = world.config.keyring
    both = replace(before, secrets=(NEW, *before.secrets))
    assert await seal_all(world.database, both, utcnow(), again=True) == 2
    assert await seal_all(world.database, both, utcnow(), again=True) == 0
    alone = replace(before, secrets=(NEW,))
    ann = await find_by_identity(world.database, alone, "email", "ann@example.com")
    assert ann is not None and ann.email == "ann@example.com"
    with pytest.raises(UnreadableError):
        await find_account(world.database, before, ann.id)


async def test_what_an_earlier_release_left_in_the_clear_is_sealed_once(world: World) -> None:
    person = await world.person()
    keyring = world.config.keyring
    async with connected(world.database) as connection:
        await run(connection, sql("UPDATE users SET email = 'old@example.com'"))
    await reclaim(world, person.id, "old@example.com")
    assert await find_by_identity(world.database, keyring, "email", "old@example.com") is None
    assert await seal_all(world.database, keyring, utcnow(), again=False) == 1
    found = await find_by_identity(world.database, keyring, "email", "old@example.com")
    assert found is not None and (found.id, found.email) == (person.id, "old@example.com")
    assert await world.value("SELECT count(*) FROM identities") == 1
    assert await seal_all(world.database, keyring, utcnow(), again=False) == 0
