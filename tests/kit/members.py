"""Members who signed up with a phone of their own, are held, and close their accounts."""

from datetime import datetime
from typing import Any

import httpx

from tests.kit.accounts import PASSWORD, signed_up
from tests.kit.world import Person, World

AGENT = "Mozilla/5.0 (a very particular phone)"


class Member(Person):
    """A member whose phone is told apart from the ad networks' servers."""

    @property
    def headers(self) -> dict[str, str]:
        return super().headers | {"User-Agent": AGENT}


async def joined(world: World, email: str = "ann@example.com") -> tuple[Person, dict[str, Any]]:
    """Somebody who registered with a password, and the tokens."""
    person, tokens = await signed_up(world, email)
    return Member(world, person.id, person.group_number), tokens


async def close(person: Person, password: str = PASSWORD) -> httpx.Response:
    """Close the account."""
    return await person.world.http.request(
        "DELETE", "/v1/me", json={"password": password}, headers=person.headers
    )


async def whole_database(world: World) -> str:
    """Every row of every table, as text."""
    tables = await world.rows(
        "SELECT n.nspname || '.' || c.relname AS name FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND n.nspname IN ('public', 'archive')"
    )
    return "\n".join(
        [
            str(row[0])
            for table in tables
            for row in await world.rows(f"SELECT CAST(t AS text) FROM {table.name} t")
        ]
    )


async def hold(world: World, user_id: int, level: int, until: datetime | None) -> None:
    """As the rules, or a moderator, leave an account."""
    await world.rows(
        """UPDATE users SET hold = CASE WHEN CAST(:until AS timestamptz) IS NULL THEN NULL
                                        ELSE 'SUSPENDED' END,
                            hold_until = CAST(:until AS timestamptz) WHERE id = :u RETURNING 1""",
        u=user_id,
        until=until,
    )
    await world.rows(
        """INSERT INTO fraud_trails (bucket, user_id, level, raised_at)
           VALUES (:b, :u, :level, CAST(:now AS timestamptz))
           ON CONFLICT (bucket, user_id) DO UPDATE
           SET level = excluded.level, raised_at = excluded.raised_at RETURNING 1""",
        b=user_id % 64,
        u=user_id,
        level=level,
    )


async def elsewhere(world: World, person: Person) -> Person:
    """Somebody of another bucket."""
    other = await world.person()
    while other.id % 64 == person.id % 64:
        await world.value("SELECT setval('user_ids', nextval('user_ids') + 63)")
        other = await world.person()
    return other
