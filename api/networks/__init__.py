"""Ad networks' signed callbacks.

To add a network: a file here with a class of `Network`'s form, and its entry in `networks`.
"""

from collections.abc import Mapping
from functools import partial

import httpx

from api.networks.admob import AdMob
from api.networks.admob_keys import KEYS_URL, KeyCache
from api.networks.applovin import AppLovin
from api.networks.contract import (
    AdUnits,
    Answer,
    CallbackRequest,
    Network,
    Refusal,
    Refused,
    VerifiedCallback,
)
from api.networks.house import House
from api.networks.levelplay import LevelPlay
from api.networks.shared_token import SharedToken
from api.networks.unity import Unity
from models.base.db import Database
from models.installation.settings import ad_units_of
from runtime.environment import Config

__all__ = [
    "AdUnits",
    "Answer",
    "CallbackRequest",
    "Network",
    "Refusal",
    "Refused",
    "VerifiedCallback",
    "networks",
]


def networks(
    config: Config,
    database: Database,
    http: httpx.AsyncClient,
    admob_keys_url: str = KEYS_URL,
) -> Mapping[str, Network]:
    """Every network whose callbacks are understood, by the name in the callback's path.

    A network that needs a secret of the operator's is there once the secret is.
    Which ad units are accepted is read from the database at each genuine callback.
    """
    units = partial(ad_units_of, database)
    secrets = config.network_secrets
    known: list[Network] = [
        House(config.house_secrets, units),
        AdMob(KeyCache(http, admob_keys_url), units),
    ]
    if "unity" in secrets:
        known.append(Unity(secrets["unity"]))
    if "levelplay" in secrets:
        known.append(LevelPlay(secrets["levelplay"], secrets["levelplay_token"]))
    if "applovin" in secrets:
        known.append(AppLovin(secrets["applovin"], units))
    if "meta" in secrets:
        known.append(SharedToken("meta", secrets["meta"], units))
    return {network.name: network for network in known}
