"""Our cookies, as browsers send them back: none of them is ever quoted.

The standard library's reader takes quotes away in quadratic time before Python 3.11.10 (decision
0042), and the framework reads all cookies with it: nothing else here reads cookies.
"""

from typing import Any

from litestar import Request


def cookie_of(request: Request[Any, Any, Any], name: str) -> str:
    """The value of a cookie of ours, or "" if it was not sent."""
    return value_in(request.headers.get("cookie", ""), name)


def value_in(header: str, name: str) -> str:
    """The first value that a Cookie header gives a name, or ""."""
    for pair in header.split(";"):
        given, _, value = pair.partition("=")
        if given.strip() == name:
            return value.strip()
    return ""
