from msgspec import UNSET, Struct, UnsetType

from engine.core.action import Action
from engine.core.outcome import Result


class LookedUp(Struct, frozen=True):
    """What became of one provider's videos: why it was not asked, or why no further."""

    skipped: str | UnsetType = UNSET
    videos: int | UnsetType = UNSET
    stopped: str | UnsetType | None = UNSET
    checked: int | UnsetType = UNSET
    unclear: int | UnsetType = UNSET
    activated: int | UnsetType = UNSET
    deactivated: int | UnsetType = UNSET


class VideosChecked(Result, frozen=True):
    """What became of each provider's videos."""

    youtube: LookedUp | UnsetType = UNSET
    own: LookedUp | UnsetType = UNSET


class SyncVideos(Action, frozen=True, tag="videos.sync"):
    """Ask the providers which videos can still be shown, and how long they are."""

    results = (VideosChecked,)


class RecheckVideos(Action, frozen=True, tag="videos.recheck"):
    """Ask the providers about the videos that several members' players could not show."""

    results = (VideosChecked,)
