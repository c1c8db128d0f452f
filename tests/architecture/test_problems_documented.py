"""docs/problems.md lists every problem type that the code can answer with, and no other."""

import pytest

from tests.kit.problems import documented, slugs_in_code


@pytest.mark.parametrize("slug", sorted(slugs_in_code()))
def test_a_problem_of_the_code_is_documented(slug: str) -> None:
    assert slug in documented()


def test_no_other_problem_is_documented() -> None:
    assert documented() - slugs_in_code() == set()


def test_the_search_still_finds_each_kind_of_problem() -> None:
    known = {"internal", "unavailable", "bad-request", "code-wrong", "callback-malformed"}
    assert known <= slugs_in_code()
