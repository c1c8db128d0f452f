"""E-mail addresses: what is one, in the form in which it is unique (decision 0044).

Only a bare addr-spec (RFC 5321) is an address: no name, comment, quoted or bracketed part. Its
domain is kept in the ASCII form of IDNA, which is what mail servers and names in them agree on.
"""

from unicodedata import name

from email_validator import EmailNotValidError, validate_email
from msgspec import Struct

from engine.core.plain import plain

ADDRESS_MAX = 254
# Signs of routes through another server (RFC 1123, 5.2.16): some still follow them.
_ROUTES = "%!"
# Letters of these look like Latin ones.
_LOOK_ALIKE = frozenset({"ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "GREEK", "LISU"})


class AddressError(ValueError):
    """This is no e-mail address; the message says why, to whoever typed it."""


class Address(Struct, frozen=True):
    """A local part in small letters, and a domain in its ASCII form."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def needs_utf8(self) -> bool:
        """Whether only a mail server with SMTPUTF8 (RFC 6531) can send to it."""
        return not self.local.isascii()


def parse_address(typed: str, *, is_local: bool = False) -> Address:
    """What somebody typed, in the form in which it is unique. Raise AddressError.

    `is_local`: an operator's own, which may be within a network, as ops@mail.internal.
    """
    text = plain(typed)[: ADDRESS_MAX + 1].lower()
    try:
        found = validate_email(
            text, check_deliverability=False, strict=True, globally_deliverable=not is_local
        )
    except EmailNotValidError as error:
        raise AddressError(str(error)) from None
    address = Address(found.local_part, found.ascii_domain)
    if any(sign in address.local for sign in _ROUTES):
        raise AddressError("An e-mail address has no % or ! before the @-sign.")
    if len(str(address)) > ADDRESS_MAX:
        raise AddressError(f"An e-mail address has at most {ADDRESS_MAX} characters.")
    if any(map(_mixes_scripts, (*found.domain.split("."), address.local))):
        raise AddressError("Letters of different scripts that look alike are mixed in it.")
    return address


def _mixes_scripts(label: str) -> bool:
    scripts = {name(letter, "").partition(" ")[0] for letter in label if letter.isalpha()}
    return "LATIN" in scripts and not scripts.isdisjoint(_LOOK_ALIKE)
