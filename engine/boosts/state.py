"""A boost, as the rules see it (blueprint, "Video boost"; decision 0020)."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from engine.core.member import Part
from engine.core.money import Amount, format_amount
from engine.core.outcome import Instant, Result

ANSWER_TIME = timedelta(seconds=30)
ABANDONED = "ABANDONED"  # something else was begun meanwhile
UNPLAYABLE = "UNPLAYABLE"  # why a boost failed: the player cannot show its video


class BoostStatus(StrEnum):
    """WATCHING → WATCHED → ASKED → PAID or WRONG; FAILED from any of the first three."""

    WATCHING = "WATCHING"
    WATCHED = "WATCHED"
    ASKED = "ASKED"
    PAID = "PAID"
    WRONG = "WRONG"
    FAILED = "FAILED"


OPEN_BOOST_STATUSES = frozenset({BoostStatus.WATCHING, BoostStatus.WATCHED, BoostStatus.ASKED})


class Boosts(Part[UUID, "Boost"]):
    """A member's boosts that bear on a batch."""


class Boost(Struct, frozen=True):
    """One watch of a video and the answer to its question. `day` is the UTC day of its start."""

    part = Boosts
    id: UUID
    user_id: int
    session_id: UUID
    video_id: str
    question_key: str
    day: date
    status: BoostStatus
    duration_seconds: int
    reward_micro: int
    started_at: datetime
    watched_at: datetime | None = None
    asked_at: datetime | None = None
    answered_at: datetime | None = None
    answer: int | None = None
    is_correct: bool | None = None
    slot: int | None = None
    failed_at: datetime | None = None
    failure: str | None = None

    @property
    def key(self) -> UUID:
        """By which it is one of its member's boosts."""
        return self.id

    @property
    def duration(self) -> timedelta:
        """How long the video lasts."""
        return timedelta(seconds=self.duration_seconds)

    @property
    def watched_by(self) -> datetime:
        """When the video is over at the earliest."""
        return self.started_at + self.duration


class BoostResult(Result, frozen=True):
    """A boost; a new one with the token for the first beat."""

    boost_id: UUID
    video_id: str
    status: str
    duration_seconds: int
    reward: Amount
    started_at: Instant
    answer_by: Instant | None
    is_correct: bool | None
    watch_token: str | UnsetType = UNSET  # the API's to say


def boost_result(boost: Boost) -> BoostResult:
    """What the client is told of a boost it acted on."""
    return BoostResult(
        boost_id=boost.id,
        video_id=boost.video_id,
        status=boost.status,
        duration_seconds=boost.duration_seconds,
        reward=format_amount(boost.reward_micro),
        started_at=boost.started_at,
        answer_by=boost.asked_at + ANSWER_TIME if boost.asked_at else None,
        is_correct=boost.is_correct,
    )


def failed_boost(boost: Boost, at: datetime, failure: str) -> Boost:
    """The boost, given up."""
    return replace(boost, status=BoostStatus.FAILED, failed_at=at, failure=failure)
