"""What stands in examples, and must not be left standing where members come."""

import re
from collections.abc import Mapping

# Names and addresses that are nobody's (RFC 2606, 5737, 3849), and words that ask for another.
_PLACEHOLDER = re.compile(
    r"\bexample\.(?:com|net|org)\b|\.(?:example|invalid)(?![\w.-])"
    r"|\b(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d|\b2001:db8:"
    r"|change-?_?me\b|replace-?_?me\b|…",
    re.IGNORECASE,
)


def find_placeholder(env: Mapping[str, str]) -> tuple[str, str] | None:
    """The first of our settings that still holds one, by name, and what it holds; or None."""
    for name, value in env.items():
        if name.startswith("TWTC_") or name.endswith(("_URL", "_ENDPOINT")):
            found = _PLACEHOLDER.search(value)
            if found:
                return name, found[0]
    return None
