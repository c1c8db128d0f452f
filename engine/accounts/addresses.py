"""E-mail addresses: which mailbox one reaches, and whose it can be (decision 0044)."""

from collections.abc import Iterator

from disposable_email_domains import blocklist
from publicsuffixlist import PublicSuffixList

from engine.accounts.mail_providers import WIDELY_KNOWN, provider_of
from engine.core.addresses import Address

_SUFFIXES = PublicSuffixList(only_icann=True)


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
