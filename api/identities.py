"""E-mail addresses and phone numbers in the form in which they are unique."""

import re
from typing import Annotated

from msgspec import Meta, Struct

from api.problems import bad_request

Address = Annotated[str, Meta(min_length=3, max_length=254)]

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f.]+(\.[^@\s\x00-\x1f.]+)+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164


class Identity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An e-mail address or a phone number."""

    email: Address | None = None
    phone: Address | None = None


def normal_email(value: str) -> str | None:
    """An e-mail address in the form in which it is unique, or None if it is not one."""
    value = value.strip().lower()
    return value if len(value) <= 254 and _EMAIL.fullmatch(value) else None


def normal_phone(value: str) -> str | None:
    """A phone number in E.164 form, or None if it is not one."""
    value = re.sub(r"[\s().-]", "", value)
    return value if _PHONE.fullmatch(value) else None


def identity_of(given: Identity) -> tuple[str, str]:
    """(kind, value) in normal form. Raise ProblemError (400) unless there is exactly one."""
    if (given.email is None) == (given.phone is None):
        raise bad_request("Send either an e-mail address or a phone number.")
    if given.email is not None:
        kind, value = "email", normal_email(given.email)
    else:
        kind, value = "phone", normal_phone(given.phone or "")
    if value is None:
        raise bad_request(f"This is not a valid {kind}. Phone numbers begin with + and country.")
    return kind, value
