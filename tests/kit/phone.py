"""A phone that talks to real processes."""

from datetime import UTC, datetime
from typing import Any

import httpx

from api.networks.house import SIGNATURE_HEADER, sign
from models.base.encoding import encode
from tests.kit.accounts import settle
from tests.kit.processes import Processes, until

EMAIL = "phone@example.com"


class Phone:
    """A client that retries until it is answered."""

    def __init__(self, processes: Processes) -> None:
        self.config = processes.config
        self.http = httpx.Client(base_url=processes.url, timeout=5)
        token = settle(self.http, processes.config, EMAIL, "correct horse")
        self.http.headers["Authorization"] = f"Bearer {token}"

    def status(self) -> dict[str, Any]:
        """The poll, once it is answered: a busy server asks to come again."""

        def look() -> dict[str, Any] | None:
            answer = self.http.get("/v1/mining/status")
            assert answer.status_code in (200, 429, 503), answer.text
            return answer.json() if answer.status_code == 200 else None

        return until(look, "how things stand")

    def send(self, path: str, key: str) -> str:
        """Record an intent. Return where it is."""
        answer = self.http.post(path, headers={"Idempotency-Key": key})
        assert answer.status_code in (200, 202), answer.text
        location: str = answer.headers["Location"]
        return location

    def outcome(self, location: str) -> dict[str, Any]:
        """What became of it."""

        def look() -> dict[str, Any] | None:
            answer = self.http.get(location)
            return answer.json() if answer.status_code == 200 else None

        return until(look, f"the outcome of {location}")

    def confirm(self, ad: dict[str, Any]) -> None:
        """The house partner's callback."""
        now = datetime.now(UTC)  # noqa: TID251
        event = {
            "event_id": f"event-{ad['view_id']}",
            "nonce": ad["nonce"],
            "ad_unit": ad["unit"],
            "completed_at": now,
            "seconds": ad["min_seconds"],
        }
        body = encode(event).encode()
        signature = sign(self.config.house_secrets[0], int(now.timestamp()), body)
        answer = self.http.post(
            "/v1/ads/callbacks/house", content=body, headers={SIGNATURE_HEADER: signature}
        )
        assert answer.status_code == 200, answer.text
