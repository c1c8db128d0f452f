"""Coins that members send each other: no route asks for it, so an API process does it by hand."""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from api.intake.submit import record_and_ring, show
from api.web_base.problems import ProblemError
from api.web_base.services import Services
from api.web_base.tokens import access_of
from engine.ledger.actions import SendCoins
from models.base.db import DATABASE_ERRORS
from models.intents.record import Wish
from runtime.clock import utcnow
from trials.asgi import Reply

SENDINGS = "/simulation/sendings"


async def record_sending(services: Services, headers: Mapping[str, str], body: bytes) -> Reply:
    """As a route would: record it under its key, ring for it, and say where it is."""
    try:
        user_id = access_of(services, headers["Authorization"]).user_id
        wish = Wish(
            user_id=user_id,
            action=msgspec.json.decode(body, type=SendCoins),
            origin=f"user:{user_id}",
            key=headers["Idempotency-Key"],
            body_hash=sha256(body).digest(),
            recorded_at=utcnow(),
            is_own=True,
        )
        recorded = await record_and_ring(services, wish)
    except ProblemError as refused:
        return Reply(refused.problem.status, {}, msgspec.json.encode(refused.problem))
    except DATABASE_ERRORS:
        return Reply(503, {}, b"{}")
    shown = msgspec.json.encode(show(services, recorded))
    return Reply(202, {"location": f"/v1/intents/{recorded.id}"}, shown)
