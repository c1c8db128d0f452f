"""Routes that record intents, and what may stand in the database afterwards."""

from tests.kit.world import World

START_ROUTE = "/v1/mining/sessions"
VIEW_ROUTES = [f"/v1/ads/views/{{view}}/{name}" for name in ("started", "completed", "failed")]
INTENT_ROUTES = [START_ROUTE, *VIEW_ROUTES]
TABLES = ("intents", "users", "identities", "wallets", "refresh_tokens", "mining_sessions")


async def counts(world: World) -> list[int]:
    """Rows in every table that a request could write to."""
    return [await world.value(f"SELECT count(*) FROM {table}") for table in TABLES]
