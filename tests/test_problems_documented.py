"""docs/problems.md lists every problem type that the code can answer with, and no other."""

import re
from pathlib import Path

import pytest

from engine.outcome import Reason

ROOT = Path(__file__).parent.parent
SLUG = r"\"([a-z]+(?:-[a-z]+)*)\""
# ProblemError("slug", …), and tables of ("slug", "Title", …) with or without their status.
PATTERNS = (
    re.compile(rf"ProblemError\(\s*{SLUG}"),
    re.compile(rf"TYPE_PREFIX \+ {SLUG}"),
    re.compile(rf"(?:\d{{3}}|Refusal\.[A-Z_]+): \(\s*{SLUG},\s*\"[A-Z]"),
)


def slugs_in_code() -> set[str]:
    sources = [path.read_text() for path in sorted((ROOT / "api").rglob("*.py"))]
    found = {slug for text in sources for pattern in PATTERNS for slug in pattern.findall(text)}
    return found | {reason.value.lower().replace("_", "-") for reason in Reason}


def documented() -> set[str]:
    text = (ROOT / "docs" / "problems.md").read_text()
    return set(re.findall(r"^\| `([a-z-]+)` \| \d{3} \|", text, re.MULTILINE))


@pytest.mark.parametrize("slug", sorted(slugs_in_code()))
def test_a_problem_of_the_code_is_documented(slug: str) -> None:
    assert slug in documented()


def test_no_other_problem_is_documented() -> None:
    assert documented() - slugs_in_code() == set()


def test_the_search_still_finds_each_kind_of_problem() -> None:
    known = {"internal", "unavailable", "bad-request", "code-wrong", "callback-malformed"}
    assert known <= slugs_in_code()
