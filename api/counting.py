"""Counting what is answered: for the alerts (decision 0032)."""

from litestar.types import Message, Scope

SIGN_INS = frozenset({"/v1/auth/login", "/v1/auth/mfa"})
_REFUSED = frozenset({401, 429})


async def count_answer(message: Message, scope: Scope) -> None:
    """Count a request, whether it failed, and whether it was a sign-in that did."""
    if message["type"] != "http.response.start":
        return
    counted, status = scope["litestar_app"].state.services.counts.now, message["status"]
    counted["requests"] += 1
    if status >= 500:
        counted["server_errors"] += 1
    elif status in _REFUSED and scope["path"] in SIGN_INS:
        counted["failed_sign_ins"] += 1
