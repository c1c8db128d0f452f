"""Who may do what: roles as sets of permissions (blueprint, "Security"; decision 0028)."""

from enum import StrEnum

from engine.core.role import Role


class Permission(StrEnum):
    """One thing that not everybody may do. Routes name them; roles hold them."""

    HIGHER_LIMITS = "limits.higher"
    USERS_READ = "users.read"
    TASKS_REVIEW = "tasks.review"
    FRAUD_READ = "fraud.read"
    FRAUD_DECIDE = "fraud.decide"
    FACTS_READ = "facts.read"
    USERS_CONTACT = "users.contact"
    USERS_DISABLE = "users.disable"
    ROLES_GRANT = "roles.grant"
    CONTENT_EDIT = "content.edit"
    ADS_EDIT = "ads.edit"
    QUEUE_READ = "queue.read"
    QUEUE_REQUEUE = "queue.requeue"
    CONFIGURATION_READ = "configuration.read"
    ADJUSTMENTS_READ = "adjustments.read"
    ADJUSTMENTS_PROPOSE = "adjustments.propose"
    ADJUSTMENTS_DECIDE = "adjustments.decide"
    CONTACTS_PROPOSE = "contacts.propose"
    CONTACTS_DECIDE = "contacts.decide"
    PAY_DECIDE = "pay.decide"
    CONFIGURATION_CHANGE = "configuration.change"
    REWARDS_CHANGE = "rewards.change"
    LOG_READ = "log.read"


_ADDED = {
    Role.USER: frozenset[Permission](),
    Role.VIP: frozenset({Permission.HIGHER_LIMITS}),
    Role.MODERATOR: frozenset(
        {
            Permission.USERS_READ,
            Permission.TASKS_REVIEW,
            Permission.FRAUD_READ,
            Permission.FRAUD_DECIDE,
        }
    ),
    Role.ADMIN: frozenset(
        {
            Permission.FACTS_READ,
            Permission.USERS_CONTACT,
            Permission.USERS_DISABLE,
            Permission.ROLES_GRANT,
            Permission.CONTENT_EDIT,
            Permission.ADS_EDIT,
            Permission.QUEUE_READ,
            Permission.QUEUE_REQUEUE,
            Permission.CONFIGURATION_READ,
            Permission.ADJUSTMENTS_READ,
            Permission.ADJUSTMENTS_PROPOSE,
            Permission.ADJUSTMENTS_DECIDE,
            Permission.CONTACTS_PROPOSE,
            Permission.CONTACTS_DECIDE,
            Permission.PAY_DECIDE,
        }
    ),
    Role.SUPERADMIN: frozenset(
        {Permission.CONFIGURATION_CHANGE, Permission.REWARDS_CHANGE, Permission.LOG_READ}
    ),
}

ROLES = tuple(Role)
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    role: frozenset[Permission]().union(*(_ADDED[lower] for lower in ROLES[: place + 1]))
    for place, role in enumerate(ROLES)
}


def may(role: Role, permission: Permission) -> bool:
    """Whether a role holds a permission."""
    return permission in PERMISSIONS[role]


def may_act_on(actor: Role, subject: Role) -> bool:
    """Whether the one may switch off or promote the other: only those of a lower role, but for
    superadmins, who may act on each other."""
    return actor is Role.SUPERADMIN or ROLES.index(actor) > ROLES.index(subject)


def may_change_role(actor: Role, before: Role, after: Role) -> bool:
    """Whether a role may be given: nobody gives what they could not take away."""
    return may_act_on(actor, before) and may_act_on(actor, after)
