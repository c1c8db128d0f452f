"""Where a wish came from: it travels with its intent, and is stored with what is logged of it."""

from uuid import UUID

from msgspec import Struct


class Evidence(Struct, frozen=True, omit_defaults=True):
    """What the API saw of a request; nothing, of what nobody sent.

    What another release stored as well is ignored.
    """

    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    session: UUID | None = None  # the sign-in
    device: str | None = None  # its fingerprint, of who may be tracked
    traceparent: str | None = None  # of the span that recorded it
