"""E-mail addresses and phone numbers in the form in which they are unique."""

import re
from typing import Annotated

from msgspec import Meta, Struct

from api.web_base.problems import bad_field, bad_request
from engine.accounts.phones import names_country, phone_of
from engine.core import addresses
from engine.core.addresses import ADDRESS_MAX, AddressError, parse_address

Address = Annotated[str, Meta(min_length=3, max_length=254)]

# What was an address once: whoever has such a one still signs in with it.
_FORMER_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f.]+(\.[^@\s\x00-\x1f.]+)+")


class Identity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An e-mail address or a phone number."""

    email: Address | None = None
    phone: Address | None = None


def normal_email(value: str) -> str | None:
    """An e-mail address in the form in which it is unique, or None if it is not one.

    One that is refused today is in the form in which it was unique before.
    """
    try:
        return str(parse_address(value))
    except AddressError:
        former = value.strip().lower()
        return former if len(former) <= ADDRESS_MAX and _FORMER_EMAIL.fullmatch(former) else None


def identity_of(given: Identity) -> tuple[str, str]:
    """(kind, value) in normal form, of somebody who may be known. Raise ProblemError (400) unless
    there is exactly one.

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


def new_identity_of(given: Identity) -> tuple[str, str, addresses.Address | None]:
    """As `identity_of`, of a newcomer; with the address, if it is one.

    Raise ValidationException (400) that says what is wrong with an address.
    """
    kind, value = identity_of(given)
    if kind == "phone":
        return kind, value, None
    try:
        address = parse_address(given.email or "")
    except AddressError as error:
        raise bad_field("email", str(error)) from None
    return kind, str(address), address
