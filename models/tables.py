"""The tables (blueprint, "Entities"; decision 0009). Their constraints carry half the design.

Every user-owned table has `bucket` (user id modulo 64) first in its primary key. Amounts are bigint
micro-TWTC; instants are timestamptz written by us, never by the server's clock.
"""

from models.accounts import privacy_tables as privacy
from models.accounts import registration_tables as registrations
from models.accounts import sign_in_tables as sign_ins
from models.accounts import tables as accounts
from models.admin import tables as administration
from models.base import log_tables as logs
from models.base.columns import metadata
from models.contacts import tables as contacts
from models.content import tables as content
from models.fraud import score_tables as scores
from models.fraud import tables as fraud
from models.installation import tables as reference
from models.intents import tables as intents
from models.mining import tables as mining
from models.operations import alert_tables as alerts
from models.operations import fact_tables as facts
from models.tasks import tables as earning

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
