"""Ad units, views of them, and which unit to show (blueprint, "Ads"; decision 0005)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from engine.core.member import Part
from engine.core.outcome import Instant, Result

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


class Purpose(StrEnum):
    """What a view pays for: a mining session, or a daily task."""

    MINING = "MINING"
    TASK = "TASK"


class AdUnit(Struct, frozen=True):
    """One ad placement that may be served.

    `weight` is its share of the rotation, `fallback_rank` its turn when another could not be shown.
    `requests_per_minute` is what its network grants us, None for as many as there are.
    """

    id: int
    network: str
    unit: str
    purpose: Purpose
    weight: int
    fallback_rank: int
    min_seconds: int
    proof: Proof
    revenue_micro_usd: int
    requests_per_minute: int | None = None


class Views(Part[UUID, "AdView"]):
    """A member's ad views that bear on a batch."""


class AdView(Struct, frozen=True):
    """One showing of an ad to one user, for one session or one task of a day.

    `revenue_micro_usd` is the unit's price when it was served, earned once it is verified.
    """

    part = Views
    id: UUID
    user_id: int
    purpose: Purpose
    session_id: UUID | None
    task_day: date | None
    task_number: int | None
    ad_id: int
    network: str
    unit: str
    min_seconds: int
    proof: Proof
    revenue_micro_usd: int
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
    funding: str | None = None  # of a fallback whose network's coins would have more rights

    @property
    def funded_by(self) -> str:
        """Whose money its reward is."""
        return self.funding or self.network

    @property
    def key(self) -> UUID:
        """By which it is one of its member's views."""
        return self.id


class Ad(Struct, frozen=True):
    """An ad to show: on `page_url` if its network has one, else by the network's SDK."""

    view_id: UUID
    network: str
    unit: str
    nonce: Annotated[str, Meta(description="Custom data for the network's SDK, as it is.")]
    min_seconds: int
    proof: str
    try_number: int
    started_at: Instant | None
    page_url: str | UnsetType | None = UNSET  # the API's to say
    status: Annotated[str | UnsetType, Meta(description="Of its view, in the poll.")] = UNSET


class ShowsAd(Result, frozen=True, kw_only=True):
    """A result with an ad, if one is to be watched."""

    ad: Ad | UnsetType = UNSET


class AdResult(ShowsAd, frozen=True, kw_only=True):
    """The view whose clock runs now."""

    ad: Ad


def show_ad(view: AdView) -> Ad:
    """What the client needs in order to show an ad and report on it."""
    return Ad(
        view_id=view.id,
        network=view.network,
        unit=view.unit,
        nonce=encode_nonce(view.id, view.user_id),
        min_seconds=view.min_seconds,
        proof=view.proof,
        try_number=view.try_number,
        started_at=view.started_at,
    )


def playing(view: AdView) -> tuple[datetime, datetime] | None:
    """From when until when an ad is watched, or was; None if it was not, or could not be shown.

    One that only its network told of was watched just before.
    """
    length = timedelta(seconds=view.min_seconds)
    since = view.started_at
    if since is None and view.proof is Proof.NETWORK_SIGNED and view.confirmed_at is not None:
        since = view.confirmed_at - length
    if since is None or view.status is ViewStatus.FAILED:
        return None
    return since, since + length


class AdOffer(Struct):
    """The units that may be served, and the requests that those with a limit have left."""

    units: tuple[AdUnit, ...] = ()
    room: dict[int, int] = {}

    @property
    def full(self) -> frozenset[int]:
        """The units without a request left."""
        return frozenset(ad_id for ad_id, left in self.room.items() if left <= 0)

    def take(self, ad_id: int) -> None:
        """One request of a unit has been used."""
        if ad_id in self.room:
            self.room[ad_id] -= 1


def choose_ad(
    units: Sequence[AdUnit],
    purpose: Purpose,
    seed: str = "",
    *,
    after: int | None = None,
    full: Collection[int] = (),
) -> AdUnit | None:
    """The unit to show: the one drawn; `after` one that could not be shown, the chain's next.

    `full` units have no request left this minute: what would be theirs spills to the chain's next.
    The chain goes round, so that a single unit is tried again. The same arguments give the same
    unit.
    """
    if after is None:
        drawn = draw_ad(units, purpose, seed)
        if drawn is None or drawn.id not in full:
            return drawn
        after = drawn.id
    chain = _chain(units, purpose)
    place = next((place for place, unit in enumerate(chain, 1) if unit.id == after), 0)
    return next((u for u in chain[place:] + chain[:place] if u.id not in full), None)


def draw_ad(units: Sequence[AdUnit], purpose: Purpose, seed: str) -> AdUnit | None:
    """One of the units, each as often as its weight says; of weightless ones the chain's first."""
    chain = _chain(units, purpose)
    total = sum(unit.weight for unit in chain)
    digest = blake2b(seed.encode(), digest_size=8).digest()
    point = int.from_bytes(digest, "big") * total >> 64
    for unit in chain:
        if point < unit.weight:
            return unit
        point -= unit.weight
    return chain[0] if chain else None


def _chain(units: Sequence[AdUnit], purpose: Purpose) -> list[AdUnit]:
    of_purpose = (unit for unit in units if unit.purpose is purpose)
    return sorted(of_purpose, key=lambda unit: (unit.fallback_rank, unit.id))


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
