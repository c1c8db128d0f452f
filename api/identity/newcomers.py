"""Which addresses newcomers may come with, and how many of a domain (decision 0044)."""

from api.messages.senders import NotSentError
from api.web_base.limits import check_counts, take_counts
from api.web_base.problems import ProblemError, bad_field
from api.web_base.services import Services
from engine.accounts.addresses import is_disposable, is_widely_known, registrable_domain
from engine.core.addresses import Address
from models.accounts.codes import PAUSE
from runtime.clock import utcnow
from runtime.limiter import Count

DOMAIN_LIMITS = ("domain_day", "domain_month")


async def refuse_address(services: Services, kind: str, address: Address | None) -> None:
    """Raise ProblemError for an address that nobody can keep, or that we cannot reach."""
    if not services.messenger.reaches(kind):
        raise bad_field(kind, "No messages can be sent there from here. Use an e-mail address.")
    if address is None:
        return
    if is_disposable(address):
        raise ProblemError(
            "address-disposable",
            "Disposable address",
            422,
            "Addresses of this domain are thrown away after use. Use one that you keep.",
        )
    if not address.needs_utf8:
        return
    try:
        is_reachable = await services.messenger.email.takes_utf8()
    except NotSentError:
        raise message_not_sent() from None
    if not is_reachable:
        raise ProblemError(
            "address-unreachable",
            "Address not reachable",
            422,
            "Our mail server cannot send to addresses with such letters before the @-sign. "
            "Use one with letters from a to z.",
        )


def message_not_sent() -> ProblemError:
    """503: the mail server, or the gateway of text messages, is away."""
    return ProblemError(
        "message-not-sent",
        "Message not sent",
        503,
        "The message could not be sent. Try again in a minute.",
        {"Retry-After": str(PAUSE.seconds)},
    )


async def check_domain(services: Services, address: Address | None) -> None:
    """Raise ProblemError (429) if no more may register from a domain now; counts nothing."""
    counts = await _counts_of(services, address)
    await check_counts(services, counts, _domain_limited)


async def count_domain(services: Services, address: Address | None) -> None:
    """Count a registration from a domain that is not widely known. Raise ProblemError (429)."""
    counts = await _counts_of(services, address)
    await take_counts(services, counts, _domain_limited)


async def _counts_of(services: Services, address: Address | None) -> list[Count]:
    if address is None or is_widely_known(address):
        return []
    limits = (await services.configurations.at(utcnow())).limits
    key = services.config.keyring.index("domain", registrable_domain(address))
    return [Count(name, limits[name], key) for name in DOMAIN_LIMITS]


def _domain_limited(headers: dict[str, str]) -> ProblemError:
    return ProblemError(
        "domain-limited",
        "Too many of this domain",
        429,
        "Too many have registered with addresses of this domain of late. Wait for the seconds of "
        "Retry-After, or use an address of a large provider.",
        headers,
    )
