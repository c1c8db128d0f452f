"""Videos, articles and questions as the rules see them, and how a viewer sees a question.

Texts are by language: {"en": …, "ar": …}. Which option is right never leaves the server before the
answer is given.
"""

from collections.abc import Mapping
from hashlib import blake2b

from msgspec import Struct

OPTION_COUNT = 4


class Video(Struct, frozen=True):
    """A video that may be watched for a boost. `boost_percent` of the base reward is paid on top.

    `duration_seconds` is None until its provider told it; it pays nothing before.
    """

    id: str
    boost_percent: int
    duration_seconds: int | None
    question_keys: tuple[str, ...]


class Question(Struct, frozen=True):
    """A multiple-choice question, its options in the order in which they were written."""

    key: str
    text: dict[str, str]
    options: dict[str, list[str]]
    correct_index: int


class Asked(Struct, frozen=True):
    """A question by language; its options are numbered from 0."""

    text: dict[str, str]
    options: dict[str, list[str]]


class Library(Struct, frozen=True):
    """Videos that may be watched, each with its questions; and all questions, asked now or not."""

    videos: Mapping[str, Video] = {}
    questions: Mapping[str, Question] = {}


def shuffle(count: int, seed: str, first: int | None = None) -> list[int]:
    """An order of `count` things that depends on nothing but the seed; or its `first` places."""
    order = list(range(count))
    places = min(count if first is None else first, count)
    for place in range(places):
        digest = blake2b(f"{seed}:{place}".encode(), digest_size=8).digest()
        chosen = place + (int.from_bytes(digest, "big") * (count - place) >> 64)
        order[place], order[chosen] = order[chosen], order[place]
    return order[:places]


def draw_question(video: Video, asked: Mapping[str, int], seed: str) -> str:
    """The key of the question to put: by lot, of those that were put least often until now."""
    fewest = min(asked.get(key, 0) for key in video.question_keys)
    left = [key for key in video.question_keys if asked.get(key, 0) == fewest]
    return left[shuffle(len(left), seed, first=1)[0]]


def present(question: Question, seed: str) -> Asked:
    """The question as a viewer sees it: options in an order of their own, no answer."""
    order = shuffle(OPTION_COUNT, seed)
    options = {
        language: [written[index] for index in order]
        for language, written in question.options.items()
    }
    return Asked(question.text, options)


def is_right(question: Question, seed: str, option: int) -> bool:
    """Whether the `option`-th of the presented options, from 0, is the right one."""
    return shuffle(OPTION_COUNT, seed)[option] == question.correct_index
