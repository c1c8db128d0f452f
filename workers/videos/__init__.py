"""Where videos come from, and what still can be shown of them (decision 0022)."""

from runtime.environment import Config
from workers.videos.contract import VideoProvider
from workers.videos.own import OwnHosting
from workers.videos.youtube import YouTube


def providers(config: Config) -> list[VideoProvider]:
    """Those that are configured. A provider without its setting keeps its videos unchecked."""
    found: list[VideoProvider] = []
    if config.youtube_key:
        found.append(YouTube(config.youtube_key))
    if config.own_videos_url:
        found.append(OwnHosting(config.own_videos_url))
    return found
