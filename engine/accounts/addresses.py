"""E-mail addresses: what is one, which mailbox it reaches, and whose it can be (decision 0044).

Only a bare addr-spec (RFC 5321) is an address: no name, comment, quoted or bracketed part. Its
domain is kept in the ASCII form of IDNA, which is what mail servers and names in them agree on.
"""

from collections.abc import Iterator
from unicodedata import name

from disposable_email_domains import blocklist
from email_validator import EmailNotValidError, validate_email
from msgspec import Struct
from publicsuffixlist import PublicSuffixList

from engine.accounts.mail_providers import WIDELY_KNOWN, provider_of
from engine.core.plain import plain

ADDRESS_MAX = 254
# Signs of routes through another server (RFC 1123, 5.2.16): some still follow them.
_ROUTES = "%!"
# Letters of these look like Latin ones.
_LOOK_ALIKE = frozenset({"ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "GREEK", "LISU"})


_SUFFIXES = PublicSuffixList(only_icann=True)


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


def mailbox_of(address: Address) -> str:
    """The mailbox that an address reaches, by what is known of its provider.

    All addresses of a mailbox give the same; it is not to be sent to.
    """
    provider, named = provider_of(address.domain)
    # A name may have an underscore, which a domain may not.
    local = named.replace("-", "_") or address.local
    for separator in provider.separators:
        # One that begins with the sign is a name of its own.
        local = local[:1] + local[1:].partition(separator)[0]
    kept = "".join(letter for letter in local if letter not in provider.ignored)
    for sign in provider.dashes:
        kept = kept.replace(sign, "-")
    return f"{kept or local}@{provider.main or address.domain}"


def is_disposable(address: Address) -> bool:
    """Whether its domain, or one above it, hands out mailboxes for ten minutes."""
    return any(domain in blocklist for domain in _with_parents(address.domain))


def is_widely_known(address: Address) -> bool:
    """Whether so many have a mailbox at its domain that their number says nothing."""
    provider, named = provider_of(address.domain)
    return (provider.main if named else address.domain) in WIDELY_KNOWN


def registrable_domain(address: Address) -> str:
    """The domain that somebody had to register for an address: what is below it costs nothing.

    By the suffixes of registries alone; whoever gives away names below their own domain, as
    dynamic DNS does, counts as one.
    """
    return _SUFFIXES.privatesuffix(address.domain) or address.domain


def _with_parents(domain: str) -> Iterator[str]:
    while "." in domain:
        yield domain
        domain = domain.partition(".")[2]


def _mixes_scripts(label: str) -> bool:
    scripts = {name(letter, "").partition(" ")[0] for letter in label if letter.isalpha()}
    return "LATIN" in scripts and not scripts.isdisjoint(_LOOK_ALIKE)
