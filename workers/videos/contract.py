"""What a provider of videos is asked, and what it may answer."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import httpx

from engine.content.videos import Finding

DURATION_SECONDS_MAX = 86_400  # what a row can hold


class Stop(StrEnum):
    """Why a provider is not asked any further today. Nothing changes for what it did not answer."""

    QUOTA_SPENT = "QUOTA_SPENT"
    REFUSED = "REFUSED"  # our key or address is wrong: an operator has to act
    UNAVAILABLE = "UNAVAILABLE"
    MALFORMED = "MALFORMED"


class VideoProvider(Protocol):
    """One source of videos; `name` is the `provider` of their rows."""

    name: str
    batch_size: int  # ids a look-up takes
    batches_max: int  # look-ups a day

    async def look_up(
        self, http: httpx.AsyncClient, ids: Sequence[str]
    ) -> Mapping[str, Finding] | Stop:
        """What the provider says of at most `batch_size` of its ids.

        An id that it gave no clear answer about is left out; one that it no longer has is
        VANISHED. An outage is a Stop, never an exception.
        """
        ...
