"""What can be asked for, and the values an answer can take (decision 0001).

An intent carries its own time: the instant the API recorded it, or the boundary it stands for.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct, field


class Action(Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """What an intent asks for. The tag is the intent's kind, `noun.verb`."""


class StartMining(Action, frozen=True, tag="mining.start"):
    """Begin a mining session: asks for an ad."""


class StartView(Action, frozen=True, tag="ad.start"):
    """The ad began to play."""

    view_id: UUID


class CompleteView(Action, frozen=True, tag="ad.complete"):
    """The ad has been watched to its end, says the client."""

    view_id: UUID


class FailView(Action, frozen=True, tag="ad.fail"):
    """The ad could not be shown: asks for another."""

    view_id: UUID
    cause: str


class ConfirmView(Action, frozen=True, tag="ad.confirm"):
    """The ad network's signed callback: its proof that the ad was watched."""

    view_id: UUID
    network: str
    event_id: str
    ad_unit: str | None


class CreditMining(Action, frozen=True, tag="mining.credit"):
    """Pay a piece's live sessions what they earned up to a boundary."""

    boundary: datetime


class SettleMining(Action, frozen=True, tag="mining.settle"):
    """Complete a piece's ended sessions and fail those whose proof never came."""

    boundary: datetime


class OpenDay(Action, frozen=True, tag="day.open"):
    """Freeze the catalogue of a UTC day."""

    day: date


class RebalanceGroups(Action, frozen=True, tag="groups.rebalance"):
    """Even out the groups' sizes."""


class PruneIntents(Action, frozen=True, tag="intents.prune"):
    """Remove what was settled long ago."""


class PreparePartitions(Action, frozen=True, tag="partitions.prepare"):
    """Create the log partitions of the months ahead."""


class SyncVideos(Action, frozen=True, tag="videos.sync"):
    """Ask the providers which videos can still be shown, and how long they are."""


class CheckInvariants(Action, frozen=True, tag="invariants.check"):
    """Run the audit."""


UserAction = StartMining | StartView | CompleteView | FailView | ConfirmView
PieceAction = CreditMining | SettleMining
UpkeepAction = (
    OpenDay | RebalanceGroups | PruneIntents | PreparePartitions | SyncVideos | CheckInvariants
)
AnyAction = UserAction | PieceAction | UpkeepAction


class Intent(Struct, frozen=True):
    """A recorded wish. `recorded_at` is the time that every rule uses."""

    bucket: int
    id: UUID
    group_number: int
    user_id: int | None
    action: AnyAction
    recorded_at: datetime
    evidence: dict[str, Any] = field(default_factory=dict)


class Reason(StrEnum):
    """Why an intent was refused. Stable: clients branch on it."""

    ACCOUNT_DISABLED = "ACCOUNT_DISABLED"
    WINDOW_CLOSED = "WINDOW_CLOSED"
    ALREADY_MINING = "ALREADY_MINING"
    AD_IN_PROGRESS = "AD_IN_PROGRESS"
    AD_UNAVAILABLE = "AD_UNAVAILABLE"
    AD_NOT_STARTED = "AD_NOT_STARTED"
    AD_TOO_SHORT = "AD_TOO_SHORT"
    AD_EXPIRED = "AD_EXPIRED"
    AD_MISMATCH = "AD_MISMATCH"
    VIEW_CLOSED = "VIEW_CLOSED"
    VIEW_UNKNOWN = "VIEW_UNKNOWN"


class Applied(Struct, frozen=True, tag_field="status", tag="APPLIED"):
    """The intent took effect; `result` is what the client needs next."""

    result: dict[str, Any]


class Rejected(Struct, frozen=True, tag_field="status", tag="REJECTED"):
    """The intent was refused. `retry_at` is when the same wish may succeed, if ever."""

    reason: Reason
    detail: str
    retry_at: datetime | None = None


Outcome = Applied | Rejected
