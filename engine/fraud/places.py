"""Where an address is, and how fast somebody would have had to travel."""

import math
from datetime import timedelta

from msgspec import Struct

EARTH_RADIUS_KM = 6371.0
# Faster than an airliner, door to door; databases of addresses err by a few hundred kilometres.
SPEED_MAX_KM_H = 900.0
NEAR_KM = 500.0


class Place(Struct, frozen=True):
    """Degrees north and east."""

    latitude: float
    longitude: float


def distance_km(a: Place, b: Place) -> float:
    """The great-circle distance (haversine)."""
    north, south = math.radians(a.latitude), math.radians(b.latitude)
    half = (
        math.sin((south - north) / 2) ** 2
        + math.cos(north)
        * math.cos(south)
        * math.sin(math.radians(b.longitude - a.longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(half)))


def is_impossible(a: Place, b: Place, between: timedelta) -> bool:
    """Whether nobody gets from one place to the other in that time, whichever came first."""
    distance = distance_km(a, b)
    hours = abs(between.total_seconds()) / 3600
    return distance > NEAR_KM and distance > SPEED_MAX_KM_H * hours
