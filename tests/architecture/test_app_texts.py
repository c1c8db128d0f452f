"""The app has words, in both languages, for whatever the API may answer a member with."""

import re

import pytest

from engine.core.outcome import Reason
from tests.kit.problems import documented
from tests.kit.root import ROOT
from workers.push.words import WORDS

APP = ROOT / "api" / "web" / "app"
# Said where the app itself is at fault, to ad networks, or to operators.
NEVER_SEEN = {
    "idempotency-key-missing",
    "idempotency-key-reused",
    "method-not-allowed",
    "body-too-large",
    "uri-too-long",
    "headers-too-large",
    "callback-malformed",
    "callback-signature",
    "conflict",
}


def texts(language: str) -> dict[str, str]:
    source = (APP / f"texts-{language}.js").read_text()
    return dict(re.findall(r'"([\w.-]+)": "([^"]+)"', source))


def values(text: str) -> set[str]:
    return set(re.findall(r"\{\w+\}", text))


def test_both_languages_say_the_same() -> None:
    english, arabic = texts("en"), texts("ar")
    assert english.keys() == arabic.keys()
    assert len(english) > 150
    assert {k: values(v) for k, v in english.items()} == {k: values(v) for k, v in arabic.items()}


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_problem_and_notification_has_words(language: str) -> None:
    problems = documented() | {reason.value.lower().replace("_", "-") for reason in Reason}
    needed = {f"problem.{slug}" for slug in problems - NEVER_SEEN}
    needed |= {f"notice.{kind}" for kind in WORDS}
    assert needed - texts(language).keys() == set()
