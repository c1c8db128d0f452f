"""Firebase Cloud Messaging, HTTP v1: one message a request, with a service account's token."""

import asyncio
import logging
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import jwt
import msgspec
from msgspec import Struct, field

from runtime.clock import utcnow
from runtime.http_client import open_http
from workers.push.contract import Dropped, Later, Message, Result, Sent, Unregistered

log = logging.getLogger(__name__)

URL = "https://fcm.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
MESSAGE_BYTES_MAX = 4096
TIMEOUT_SECONDS = 10
_TOKEN_LIFETIME = timedelta(hours=1)
_RENEW_BEFORE = timedelta(minutes=5)
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Credentials(Struct, frozen=True):
    """A service account's key file, as Google gives it out."""

    project_id: str
    client_email: str
    private_key: str
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 (an address)


class CredentialsError(ValueError):
    """The key file cannot be used; the message says why."""


def read_credentials(path: Path) -> Credentials:
    """Read a key file. Raise CredentialsError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Credentials)
    except (OSError, msgspec.DecodeError) as error:
        raise CredentialsError(f"TWTC_FCM_CREDENTIALS: {error}") from None


class Fcm:
    """The client. It opens no socket until it is used."""

    def __init__(self, credentials: Credentials, url: str = URL) -> None:
        self._credentials = credentials
        self._url = f"{url}/v1/projects/{credentials.project_id}/messages:send"
        self._http = open_http(TIMEOUT_SECONDS)
        self._token = ""
        self._renew_at: datetime | None = None
        self._renewing = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, message: Message) -> Result:
        """Send one message. A token that is refused is renewed once."""
        body = msgspec.json.encode(_payload(message))
        if len(body) > MESSAGE_BYTES_MAX:
            return Dropped(f"the message has {len(body)} bytes of {MESSAGE_BYTES_MAX}")
        try:
            token = await self._access_token()
            response = await self._post(body, token)
            refusal = _read(response).error
            if response.status_code == 401 and refusal and refusal.code in _OURS:
                response = await self._post(body, await self._access_token(refused=token))
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            log.warning("FCM cannot be asked: %s", type(error).__name__)
            return Later(None)
        return _judge(response)

    async def _post(self, body: bytes, token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return await self._http.post(self._url, content=body, headers=headers)

    async def _access_token(self, refused: str | None = None) -> str:
        """The current token; a new one before it ends, or for one that was refused."""
        async with self._renewing:
            now = utcnow()
            if self._renew_at is None or now >= self._renew_at or self._token == refused:
                self._token = await self._renew(now)
                self._renew_at = now + _TOKEN_LIFETIME - _RENEW_BEFORE
            return self._token

    async def _renew(self, now: datetime) -> str:
        """Exchange a signed claim for an access token (RFC 7523)."""
        claim = {
            "iss": self._credentials.client_email,
            "scope": SCOPE,
            "aud": self._credentials.token_uri,
            "iat": int(now.timestamp()),
            "exp": int((now + _TOKEN_LIFETIME).timestamp()),
        }
        signed = jwt.encode(claim, self._credentials.private_key, "RS256")
        response = await self._http.post(
            self._credentials.token_uri, data={"grant_type": _GRANT, "assertion": signed}
        )
        response.raise_for_status()
        return msgspec.json.decode(response.content, type=_TokenAnswer).access_token


class _TokenAnswer(Struct, frozen=True):
    access_token: str


def _payload(message: Message) -> dict[str, Any]:
    return {
        "message": {
            "token": message.token,
            "notification": {"title": message.title, "body": message.body},
            "data": message.data,
            "android": {
                "priority": "high",
                "ttl": f"{message.ttl_seconds}s",
                "collapse_key": message.collapse_key,
                "notification": {"tag": message.tag},
            },
            "apns": {"headers": {"apns-collapse-id": message.tag}},
            "webpush": {
                "headers": {"TTL": str(message.ttl_seconds)},
                "notification": {"tag": message.tag},
            },
        }
    }


class _Violation(Struct, frozen=True):
    field: str = ""


class _Detail(Struct, frozen=True):
    """Google tells its kinds of details apart by `@type`; their fields do so as well."""

    code: str = field(name="errorCode", default="")
    violations: list[_Violation] = field(name="fieldViolations", default_factory=list)


class _Error(Struct, frozen=True):
    status: str = ""
    details: list[_Detail] = []

    @property
    def code(self) -> str:
        """FCM's own code, which tells more than the status does."""
        return next((detail.code for detail in self.details if detail.code), self.status)

    def is_about(self, field_name: str) -> bool:
        """Whether a field of the message is what is wrong."""
        return any(v.field == field_name for detail in self.details for v in detail.violations)


class _Answer(Struct, frozen=True):
    name: str = ""
    error: _Error | None = None


# Google's UNAUTHENTICATED is about our token, and its own code about our key at Apple's.
_OURS = frozenset({"UNAUTHENTICATED"})
_GONE = frozenset({"UNREGISTERED", "SENDER_ID_MISMATCH"})


def _read(response: httpx.Response) -> _Answer:
    """What FCM said. Nothing, if the answer is somebody else's, such as a proxy's page."""
    try:
        return msgspec.json.decode(response.content, type=_Answer)
    except msgspec.DecodeError:
        return _Answer()


def _judge(response: httpx.Response) -> Result:
    """By FCM's code: a status alone may be a proxy's, and says nothing of the phone."""
    answer = _read(response)
    if response.status_code == 200 and answer.name:
        return Sent()
    code = answer.error.code if answer.error else ""
    if code in _GONE:
        return Unregistered()
    if answer.error and code == "INVALID_ARGUMENT":
        if answer.error.is_about("message.token"):
            return Unregistered()
        return Dropped(f"FCM answered {response.status_code} {code}")
    log.warning("FCM answered %d %s", response.status_code, code or "in no form of its own")
    return Later(_retry_seconds(response.headers.get("retry-after", "")))


def _retry_seconds(header: str) -> float | None:
    """Retry-After, as seconds or as a date (RFC 9110, section 10.2.3)."""
    if header.isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - utcnow()).total_seconds())
    except (ValueError, TypeError):
        return None
