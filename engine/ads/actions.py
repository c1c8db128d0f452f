from uuid import UUID

from engine.ads.state import AdResult
from engine.core.action import Action


class StartView(Action, frozen=True, tag="ad.start"):
    """The ad began to play."""

    is_of_view = True
    is_watch = True
    results = (AdResult,)

    view_id: UUID


class CompleteView(Action, frozen=True, tag="ad.complete"):
    """The ad has been watched to its end, says the client."""

    is_of_view = True
    is_act = True
    of_payee = True

    view_id: UUID


class FailView(Action, frozen=True, tag="ad.fail"):
    """The ad could not be shown: asks for another."""

    is_of_view = True
    is_act = True
    of_payee = True

    view_id: UUID
    cause: str


class ConfirmView(Action, frozen=True, tag="ad.confirm", omit_defaults=True):
    """The ad network's signed callback: its proof that the ad was watched.

    `seconds` is how long it was shown, where the network says so.
    """

    is_of_view = True
    is_watch = True
    is_own = False
    of_payee = True

    view_id: UUID
    network: str
    event_id: str
    ad_unit: str | None
    seconds: int | None = None


ViewAction = StartView | CompleteView | FailView | ConfirmView
