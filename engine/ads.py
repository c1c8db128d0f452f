"""Ad units, views of them, and which unit to show (blueprint, "Ads"; decision 0005)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from uuid import UUID

from msgspec import Struct

TRIES_MAX = 3


class Proof(StrEnum):
    """What shows that a unit was watched: our clock, the network's signature, or both."""

    CLIENT_TIMED = "CLIENT_TIMED"
    NETWORK_SIGNED = "NETWORK_SIGNED"
    BOTH = "BOTH"


class ViewStatus(StrEnum):
    """SERVED → STARTED → COMPLETED (its callback outstanding) → VERIFIED, or FAILED."""

    SERVED = "SERVED"
    STARTED = "STARTED"
    COMPLETED = "COMPLETED"
    VERIFIED = "VERIFIED"
    FAILED = "FAILED"


OPEN_VIEW_STATUSES = frozenset({ViewStatus.SERVED, ViewStatus.STARTED, ViewStatus.COMPLETED})


class AdUnit(Struct, frozen=True):
    """One ad placement that may be served. `weight` is its share of the rotation."""

    id: int
    network: str
    unit: str
    weight: int
    min_seconds: int
    proof: Proof


class AdView(Struct, frozen=True):
    """One showing of an ad to one user, for one purpose."""

    id: UUID
    user_id: int
    session_id: UUID
    ad_id: int
    network: str
    unit: str
    min_seconds: int
    proof: Proof
    try_number: int
    status: ViewStatus
    served_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    confirmed_at: datetime | None = None
    verified_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None
    event_id: str | None = None


def choose_ad(units: Sequence[AdUnit], seed: UUID, tried: Collection[int]) -> AdUnit | None:
    """A unit not yet tried, drawn by weight. The same seed and units give the same unit."""
    left = sorted((u for u in units if u.id not in tried and u.weight > 0), key=lambda u: u.id)
    total = sum(unit.weight for unit in left)
    if not total:
        return None
    digest = blake2b(seed.bytes + len(tried).to_bytes(1, "big"), digest_size=8).digest()
    point = int.from_bytes(digest, "big") * total >> 64
    for unit in left:
        if point < unit.weight:
            return unit
        point -= unit.weight
    return None  # unreachable while weights are positive


def encode_nonce(view_id: UUID, user_id: int) -> str:
    """The single-use impression nonce a network hands back: names the view and where it lives."""
    return urlsafe_b64encode(view_id.bytes + user_id.to_bytes(8, "big")).decode()


def decode_nonce(nonce: str) -> tuple[UUID, int] | None:
    """(view id, user id) of a nonce, or None if it is not one of ours."""
    try:
        raw = urlsafe_b64decode(nonce.encode("ascii"))
    except ValueError:
        return None
    user_id = int.from_bytes(raw[16:], "big")
    if len(raw) != 24 or user_id >= 2**63 or encode_nonce(UUID(bytes=raw[:16]), user_id) != nonce:
        return None
    return UUID(bytes=raw[:16]), user_id
