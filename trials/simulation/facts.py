"""What the model may ask: what there is to watch and to answer, and who drew what."""

from collections.abc import Mapping
from datetime import date
from typing import Protocol
from uuid import UUID

from msgspec import Struct


class Video(Struct, frozen=True):
    """Its length, if it is known, and the percentage of the base reward that it pays."""

    seconds: int | None
    percent: int


class DrawnTask(Struct, frozen=True):
    """A task of somebody's day."""

    category: str
    reward: int


class Facts(Protocol):
    """What the model may ask."""

    def video(self, video_id: str) -> Video | None:
        """A video that may be watched."""
        ...

    def tasks(self, user: int, day: date) -> list[DrawnTask]:
        """Somebody's tasks of a day, in order."""
        ...

    def draw_question(self, user: int, video_id: str, day: date, asked: Mapping[str, int]) -> str:
        """Which question of a video is put to somebody, by how often each was until now."""
        ...

    def is_right_of_boost(self, boost_id: UUID, question_key: str, option: int) -> bool:
        """Whether an option answers a question about a video."""
        ...

    def is_right_of_task(
        self, user: int, day: date, number: int, attempt: int, option: int
    ) -> bool:
        """Whether an option answers a quiz."""
        ...
