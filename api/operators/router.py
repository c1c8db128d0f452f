"""The administration: every route under it is guarded (decision 0028)."""

from litestar import Router

from api.operators import (
    adjustments,
    ads,
    configuration,
    contacts,
    content,
    facts,
    fraud,
    log,
    operations,
    pay,
    reviews,
    roles,
    user_files,
    users,
)
from api.web_base.permissions import enforce

router = Router(
    "/v1/admin",
    route_handlers=[
        *users.handlers,
        *user_files.handlers,
        *configuration.handlers,
        *adjustments.handlers,
        *pay.handlers,
        *roles.handlers,
        *contacts.handlers,
        *fraud.handlers,
        *operations.handlers,
        *reviews.handlers,
        *facts.handlers,
        *ads.handlers,
        *content.handlers,
        *log.handlers,
    ],
    guards=[enforce],
    tags=["administration"],
    security=[{"bearer": []}],
)
