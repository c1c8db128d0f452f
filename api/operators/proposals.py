"""What all proposals have in common: the words of a decision, and why there can be none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from api.operators.words import Reason
from api.web_base.problems import ProblemError, not_found
from models.admin.proposals import NoSuchProposalError, NotDecidableError
from models.contacts.change import NoChangeError


class DecisionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is approved or rejected."""

    note: Reason


@asynccontextmanager
async def decidable() -> AsyncIterator[None]:
    """Word what proposing or deciding refuses: 404, or 409 with the reason."""
    try:
        yield
    except (NoSuchProposalError, NoChangeError):
        raise not_found("proposal") from None
    except NotDecidableError as error:
        raise ProblemError("conflict", "Not possible now", 409, str(error)) from None
