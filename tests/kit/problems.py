"""Problems as the API answers with them, and as docs/problems.md lists them."""

import re
from typing import Any

import httpx

from engine.core.outcome import Reason
from tests.kit.root import ROOT


def problem_of(response: httpx.Response, status: int, slug: str | None = None) -> dict[str, Any]:
    """The response's problem, which must be one of this status (RFC 9457) and type."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].partition(";")[0] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:twtc:problem:")
    assert problem["title"] and isinstance(problem["detail"], str)
    if slug is not None:
        assert problem["type"] == f"urn:twtc:problem:{slug}"
    return problem


SLUG = r"\"([a-z]+(?:-[a-z]+)*)\""
# ProblemError("slug", …), and tables of ("slug", "Title", …) with or without their status.
PATTERNS = (
    re.compile(rf"ProblemError\(\s*{SLUG}"),
    re.compile(rf"TYPE_PREFIX \+ {SLUG}"),
    re.compile(rf"(?:\d{{3}}|Refusal\.[A-Z_]+): \(\s*{SLUG},\s*\"[A-Z]"),
)


def slugs_in_code() -> set[str]:
    """The types that the code answers with."""
    sources = [path.read_text() for path in sorted((ROOT / "api").rglob("*.py"))]
    found = {slug for text in sources for pattern in PATTERNS for slug in pattern.findall(text)}
    return found | {reason.value.lower().replace("_", "-") for reason in Reason}


def documented() -> set[str]:
    """The types that the page lists."""
    text = (ROOT / "docs" / "problems.md").read_text()
    return set(re.findall(r"^\| `([a-z-]+)` \| \d{3} \|", text, re.MULTILINE))
