"""E-mail addresses and phone numbers in the form in which they are unique."""

import re
from typing import Annotated

from msgspec import Meta, Struct

from api.problems import bad_field, bad_request
from engine.phones import names_country, phone_of
from engine.plain import plain

Address = Annotated[str, Meta(min_length=3, max_length=254)]

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f.]+(\.[^@\s\x00-\x1f.]+)+")


class Identity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An e-mail address or a phone number."""

    email: Address | None = None
    phone: Address | None = None


def normal_email(value: str) -> str | None:
    """An e-mail address in the form in which it is unique, or None if it is not one."""
    value = plain(value).lower()
    return value if len(value) <= 254 and _EMAIL.fullmatch(value) else None


def identity_of(given: Identity) -> tuple[str, str]:
    """(kind, value) in normal form. Raise ProblemError (400) unless there is exactly one.

    Raise ValidationException (400) for what is neither: it says what is asked for.
    """
    if (given.email is None) == (given.phone is None):
        raise bad_request("Send either an e-mail address or a phone number.")
    if given.email is not None:
        email = normal_email(given.email)
        if email is None:
            raise bad_field("email", "This is not an e-mail address.")
        return "email", email
    typed = given.phone or ""
    phone = phone_of(typed)
    if phone is None and not names_country(typed):
        raise bad_field(
            "phone", "Begin with + and the number of your country, for example +966 50 123 4567."
        )
    if phone is None:
        raise bad_field("phone", "There is no such phone number: look at its digits again.")
    return "phone", phone
