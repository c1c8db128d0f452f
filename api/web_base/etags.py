"""Entity tags: whether a client has already what it asks for (RFC 9110, section 13.1.2)."""

from hashlib import sha256

# Of what is one's own: nobody else keeps it, and oneself asks whether it is still so.
PRIVATE = {"Cache-Control": "private, no-cache"}


def etag_of(body: bytes) -> bytes:
    """The strong tag of a body: the same on every machine."""
    return b'"%s"' % sha256(body).hexdigest()[:24].encode()


def is_known(etag: bytes, if_none_match: bytes | None) -> bool:
    """Whether an If-None-Match header names the tag, or any. Compared weakly."""
    if if_none_match is None:
        return False
    known = {tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")}
    return bool({etag, b"*"} & known)
