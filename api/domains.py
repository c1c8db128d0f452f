"""The routes of all domains, in the order in which the document shows them."""

from api.members import ads, boosts, content, events, inbox, me, mining, privacy, tasks
from api.members.accounts import (
    passwords,
    registration,
    second_factors,
    sign_in,
    sign_ins,
    standing,
)
from api.operators import router as operators
from api.web_base import health, metrics

ROUTERS = (
    registration.router,
    sign_in.router,
    passwords.router,
    second_factors.router,
    sign_ins.router,
    me.router,
    mining.router,
    ads.router,
    boosts.router,
    tasks.router,
    content.router,
    inbox.router,
    events.router,
    privacy.router,
    standing.router,
    health.router,
    metrics.router,
    operators.router,
)
