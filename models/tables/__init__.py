"""The tables (blueprint, "Entities"; decision 0009). Their constraints carry half the design.

Every user-owned table has `bucket` (user id modulo 64) first in its primary key. Amounts are bigint
micro-TWTC; instants are timestamptz written by us, never by the server's clock.
"""

from models.tables import (
    accounts,
    administration,
    alerts,
    contacts,
    content,
    earning,
    facts,
    fraud,
    intents,
    logs,
    mining,
    privacy,
    reference,
    registrations,
    scores,
    sign_ins,
)
from models.tables.columns import metadata

__all__ = [
    "accounts",
    "administration",
    "alerts",
    "contacts",
    "content",
    "earning",
    "facts",
    "fraud",
    "intents",
    "logs",
    "metadata",
    "mining",
    "privacy",
    "reference",
    "registrations",
    "scores",
    "sign_ins",
]
