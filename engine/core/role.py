"""The roles that people have."""

from enum import StrEnum


class Role(StrEnum):
    """Each may do what the ones before it may, and more."""

    USER = "user"
    VIP = "vip"
    MODERATOR = "moderator"
    ADMIN = "admin"
    SUPERADMIN = "superadmin"
