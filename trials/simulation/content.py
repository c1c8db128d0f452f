"""The installation's content: where members look their answers up, and the model its facts."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from engine.content.library import Library, draw_question, is_right
from engine.tasks.state import DayCatalogue, draw_day
from trials.simulation.facts import DrawnTask, Video


class Content:
    """The facts, as the installation's content and catalogue have them."""

    def __init__(self, library: Library, catalogue: DayCatalogue, lot: str) -> None:
        self.library = library
        self._lot = lot
        self._catalogue = catalogue

    def video(self, video_id: str) -> Video | None:
        """A video that may be watched."""
        found = self.library.videos.get(video_id)
        return None if found is None else Video(found.duration_seconds, found.boost_percent)

    def tasks(self, user: int, day: date) -> list[DrawnTask]:
        """Somebody's tasks of a day: the catalogue is the same on every day of a simulation."""
        drawn = draw_day(user, day, self._catalogue)
        return [DrawnTask(task.type.category, task.type.reward_micro) for task in drawn]

    def draw_question(self, user: int, video_id: str, day: date, asked: Mapping[str, int]) -> str:
        """Which question of a video is put to somebody, by how often each was until now."""
        seed = f"{self._lot}:{user}:{video_id}:{day.isoformat()}"
        return draw_question(self.library.videos[video_id], asked, seed)

    def question_of(self, video_id: str, text: Mapping[str, str]) -> str:
        """The key of a video's question that somebody reads."""
        questions = (self.library.questions[k] for k in self.library.videos[video_id].question_keys)
        return next(question.key for question in questions if question.text == text)

    def is_right_of_boost(self, boost_id: UUID, question_key: str, option: int) -> bool:
        """Whether an option answers a question about a video."""
        return is_right(self.library.questions[question_key], str(boost_id), option)

    def is_right_of_task(
        self, user: int, day: date, number: int, attempt: int, option: int
    ) -> bool:
        """Whether an option answers a quiz."""
        drawn = draw_day(user, day, self._catalogue)[number - 1]
        question = self.library.questions[drawn.subjects[attempt - 1]]
        return is_right(question, f"{user}:{day.isoformat()}:{number}:{attempt}", option)
