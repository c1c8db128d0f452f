"""The administration: every route under it is guarded (decision 0028)."""

from litestar import Router

from api.permissions import enforce
from api.routes import (
    admin_adjustments,
    admin_ads,
    admin_configuration,
    admin_contacts,
    admin_content,
    admin_facts,
    admin_fraud,
    admin_log,
    admin_operations,
    admin_pay,
    admin_reviews,
    admin_roles,
    admin_user_files,
    admin_users,
)

router = Router(
    "/v1/admin",
    route_handlers=[
        *admin_users.handlers,
        *admin_user_files.handlers,
        *admin_configuration.handlers,
        *admin_adjustments.handlers,
        *admin_pay.handlers,
        *admin_roles.handlers,
        *admin_contacts.handlers,
        *admin_fraud.handlers,
        *admin_operations.handlers,
        *admin_reviews.handlers,
        *admin_facts.handlers,
        *admin_ads.handlers,
        *admin_content.handlers,
        *admin_log.handlers,
    ],
    guards=[enforce],
    tags=["administration"],
    security=[{"bearer": []}],
)
