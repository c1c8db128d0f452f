"""A limit of requests."""

from msgspec import Struct


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """At most `quota` requests within any `window_seconds`."""

    quota: int
    window_seconds: int
