"""Google's side of push: a token endpoint and FCM HTTP v1, on a port of this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.kit.counterpart import Counterpart, Received, Reply, counterpart
from workers.push.fcm import SCOPE, Credentials, Fcm

_KEY = rsa.generate_private_key(65537, 2048)
PROJECT = "twtc-test"


def refusal(status: int, kind: str, code: str = "", field: str = "") -> Reply:
    """What FCM answers for a message that it does not take, in its own form."""
    at = "type.googleapis.com"
    details: list[dict[str, Any]] = []
    if code:
        details.append({"@type": f"{at}/google.firebase.fcm.v1.FcmError", "errorCode": code})
    if field:
        violation = {"field": field, "description": "Invalid value"}
        details.append({"@type": f"{at}/google.rpc.BadRequest", "fieldViolations": [violation]})
    error = {"code": status, "message": "Refused.", "status": kind, "details": details}
    return Reply(status, json.dumps({"error": error}).encode())


class Google:
    """Gives out access tokens for genuine claims, and takes messages that bear one."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.answers: dict[str, list[Reply]] = {}  # by registration token, before it is taken
        self.tokens_given = 0
        self.tokens_valid: set[str] = set()
        self.server: Counterpart | None = None

    def reply(self, received: Received) -> Reply:
        """What Google would answer."""
        if received.path == "/token":
            return self._token(received)
        assert received.path == f"/v1/projects/{PROJECT}/messages:send"
        if received.headers.get("authorization", "")[7:] not in self.tokens_valid:
            return refusal(401, "UNAUTHENTICATED")
        message = json.loads(received.body)["message"]
        if self.answers.get(message["token"]):
            return self.answers[message["token"]].pop(0)
        self.messages.append(message)
        return Reply(200, b'{"name":"projects/twtc-test/messages/1"}')

    def _token(self, received: Received) -> Reply:
        form = parse_qs(received.body.decode())
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        claim = jwt.decode(
            form["assertion"][0],
            _KEY.public_key(),
            ["RS256"],
            audience=self.credentials.token_uri,
            options={"verify_exp": False, "verify_iat": False},
        )
        assert (claim["iss"], claim["scope"]) == (self.credentials.client_email, SCOPE)
        self.tokens_given += 1
        token = f"ya29.{self.tokens_given}"
        self.tokens_valid = {token}
        return Reply(200, json.dumps({"access_token": token, "expires_in": 3599}).encode())

    @property
    def credentials(self) -> Credentials:
        """A service account of this Google."""
        assert self.server is not None
        pem = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Credentials(
            PROJECT, "engine@twtc-test.example", pem.decode(), f"{self.server.url}/token"
        )


@contextmanager
def google() -> Iterator[tuple[Google, Fcm]]:
    """A Google of one's own, and a client that knows where it is."""
    there = Google()
    with counterpart(there.reply) as server:
        there.server = server
        yield there, Fcm(there.credentials, server.url)
