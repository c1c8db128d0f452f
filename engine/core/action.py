"""What every action is, whoever asks for it: its kind, and what is true of that kind.

An intent carries its own time: the instant the API recorded it, or the boundary it stands for.
"""

from datetime import datetime
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from msgspec import Struct

from engine.core.evidence import Evidence
from engine.core.outcome import Result


class Action(Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """What an intent asks for. The tag is the intent's kind, `noun.verb`.

    What is true of a kind is said here, and read by whoever needs it: nothing lists kinds.
    """

    of_payee: ClassVar[bool] = False
    """It brings what its ad view is shown for, told as such."""
    is_start: ClassVar[bool] = False
    """It begins something that is paid for: an account under any hold may not record it. What is
    no start, a held member may go on with, unless suspended: then nothing of their own is."""
    is_decision: ClassVar[bool] = False
    """A person decides on it; reports of players and networks follow each other as they like."""
    is_own: ClassVar[bool] = True
    """It is the member's doing, not a network's or a moderator's."""
    is_act: ClassVar[bool] = False
    """It is one of the acts that a member's day is measured by (decision 0031)."""
    is_spending: ClassVar[bool] = False
    """With it coins leave its member's wallet: its rule has to know what is in it."""
    is_delivery: ClassVar[bool] = False
    """It carries something: it is decided whatever has become of its member, if there ever was
    one, and says itself where that goes."""
    is_of_view: ClassVar[bool] = False
    """It tells of an ad view, and may be what proves it in time."""
    is_watch: ClassVar[bool] = False
    """With it something begins to be watched, of which there is one at a time."""
    needs_library: ClassVar[bool] = False
    """Its rule asks a question or offers an article."""
    is_tick: ClassVar[bool] = False
    """It stands for a boundary of the timetable: how late it is applied is told as such."""
    results: ClassVar[tuple[type[Result], ...]]
    """What it brings when it is applied; of several, a stored one is the first that it fits."""


def kind_of(tagged: Struct | type[Struct]) -> str:
    """The kind of an action, or of a call to the outside: its tag."""
    return str(tagged.__struct_config__.tag)


A_co = TypeVar("A_co", bound=Action, covariant=True)


class Intent(Struct, Generic[A_co], frozen=True):
    """A recorded wish. `recorded_at` is the time that every rule uses."""

    bucket: int
    id: UUID
    group_number: int
    user_id: int | None
    action: A_co
    recorded_at: datetime
    evidence: Evidence = Evidence()


AnyIntent = Intent[Action]
