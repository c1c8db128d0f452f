"""Clients of other people's HTTP servers."""

import ssl
from functools import cache

import httpx


@cache
def _trusted() -> ssl.SSLContext:
    # Whom we trust is read once a process: reading it takes as long as many requests.
    return httpx.create_ssl_context()


def open_http(timeout_seconds: float, *, follow_redirects: bool = False) -> httpx.AsyncClient:
    """A client with connections of its own; whoever opens it closes it."""
    return httpx.AsyncClient(
        timeout=timeout_seconds, verify=_trusted(), follow_redirects=follow_redirects
    )
