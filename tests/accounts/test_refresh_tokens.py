"""Refresh tokens: good once, given again, and what ends a family of them."""

import asyncio
from datetime import timedelta
from hashlib import sha256

import pytest

from models.accounts.sign_ins import ROTATE_TOKEN, STORE_TOKEN
from models.base.db import rows, run, transaction
from runtime.clock import utcnow
from tests.kit.accounts import PASSWORD, auth
from tests.kit.problems import problem_of
from tests.kit.sign_ins import joined, refreshed
from tests.kit.words import MICROSECOND
from tests.kit.world import World


async def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_family(world: World) -> None:
    first = (await joined(world))["refresh_token"]
    other = (await auth(world, "login", email="ann@example.com", password=PASSWORD)).json()
    second = await refreshed(world, first)
    assert second is not None
    third = await refreshed(world, second)
    assert third is not None
    assert len({first, second, third}) == 3
    assert await refreshed(world, first) is None  # stolen, or its owner was robbed
    assert await refreshed(world, third) is None
    assert await refreshed(world, second) is None
    assert await refreshed(world, other["refresh_token"]) is not None  # another sign-in


async def test_a_lost_answer_is_given_again_until_its_token_was_used(world: World) -> None:
    """Phones lose answers and come back hours later; browsers ask from several tabs at once."""
    token = (await joined(world))["refresh_token"]
    successors = await asyncio.gather(*(refreshed(world, token) for _ in range(5)))
    assert len(set(successors)) == 1
    [successor] = set(successors)
    assert successor is not None
    for later in (timedelta(seconds=20), timedelta(days=6)):
        world.move_to(utcnow() + later)
        assert await refreshed(world, token) == successor
    last = await refreshed(world, successor)
    assert last is not None
    assert await refreshed(world, successor) == last
    assert await refreshed(world, token) is None  # two steps behind: stolen
    assert await refreshed(world, last) is None


async def test_a_token_and_its_successor_at_once_sign_nobody_out(world: World) -> None:
    """A tab repeats what was lost while another one goes on with what it got."""
    token = (await joined(world))["refresh_token"]
    successor = await refreshed(world, token)
    assert successor is not None
    user_id = int(token.partition(".")[0])
    params = {"bucket": user_id % 64, "user_id": user_id, "now": utcnow()}
    async with transaction(world.database) as connection:
        used = {**params, "token_hash": sha256(successor.encode()).digest()}
        assert await rows(connection, ROTATE_TOKEN, used)
        assert await refreshed(world, token) == successor  # not used, by what is committed
    assert await world.value("SELECT count(*) FROM sign_ins WHERE revoked_at IS NULL") == 1


async def test_a_thief_of_a_used_token_ends_the_sign_in_for_both(world: World) -> None:
    stolen = (await joined(world))["refresh_token"]
    owners = await refreshed(world, stolen)
    assert owners is not None
    thiefs = await refreshed(world, stolen)
    assert thiefs == owners  # no other token than the owner's: nothing of its own to go on with
    owners = await refreshed(world, owners)
    assert owners is not None
    owners = await refreshed(world, owners)
    assert owners is not None
    assert await refreshed(world, thiefs) is None
    assert await refreshed(world, owners) is None


@pytest.mark.parametrize("ending", ["refresh", "logout"])
async def test_a_family_ends_also_while_its_last_token_is_being_used(
    world: World, ending: str
) -> None:
    """The thief's rotation commits after the family was ended."""
    first = (await joined(world))["refresh_token"]
    second = await refreshed(world, first)
    assert second is not None
    newest = await refreshed(world, second)
    assert newest is not None
    user_id = int(first.partition(".")[0])
    third = f"{user_id}.third"
    params = {"bucket": user_id % 64, "user_id": user_id, "now": utcnow()}
    async with transaction(world.database) as connection:
        used = {**params, "token_hash": sha256(newest.encode()).digest()}
        [rotated] = await rows(connection, ROTATE_TOKEN, used)
        assert (await auth(world, ending, refresh_token=first)).status_code in (204, 401)
        stored = {**params, "token_hash": sha256(third.encode()).digest()}
        stored |= {"family_id": rotated.family_id, "expires_at": rotated.expires_at}
        await run(connection, STORE_TOKEN, stored)
    assert await refreshed(world, third) is None


async def test_a_refresh_token_is_its_owners_and_no_others(world: World) -> None:
    anns = (await joined(world))["refresh_token"]
    bobs = (await joined(world, "bob@example.com"))["refresh_token"]
    ann, _, secret = anns.partition(".")
    bob = bobs.partition(".")[0]
    forged = [f"{bob}.{secret}", f"{int(ann) + 64}.{secret}", f"0{ann}.{secret}", anns + "x",
              "", "x", ".", f"{ann}.", f"{ann}", f"-{ann}.{secret}",
              "9" * 18 + ".x", "9" * 30 + ".x", "٣.x", "0.x", " " + anns]  # fmt: skip
    for token in forged:
        assert await refreshed(world, token) is None, token
        assert (await auth(world, "logout", refresh_token=token)).status_code == 204
    for token in (f"{ann}\0.{secret}", f"{ann}.\0"):
        for route in ("refresh", "logout"):
            problem_of(await auth(world, route, refresh_token=token), 400, "bad-request")
    assert await refreshed(world, anns) is not None
    assert await refreshed(world, bobs) is not None


async def test_a_family_lives_for_seven_days_however_often_it_is_refreshed(world: World) -> None:
    begins = utcnow()
    first, kept = [(await joined(world, f"{n}@example.com"))["refresh_token"] for n in "ab"]
    world.move_to(begins + timedelta(days=7) - MICROSECOND)
    second = await refreshed(world, first)
    assert second is not None
    world.move_to(begins + timedelta(days=7))
    assert await refreshed(world, second) is None
    assert await refreshed(world, kept) is None
