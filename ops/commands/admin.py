"""`twtc admin`: give somebody a role, above all the first superadmin; approve what one proposed."""

import asyncio
import os
import sys
from uuid import UUID

from redis.asyncio import Redis

from api.identity.identities import normal_email
from engine.accounts.phones import phone_of
from engine.core.role import Role
from models.accounts.register import find_by_identity
from models.admin.proposals import NoSuchProposalError, NotDecidableError
from models.admin.roles import NoSuchUserError, set_role
from models.base.db import DATABASE_ERRORS, Database, open_database
from models.base.trail import OPERATOR
from models.content.pay_proposals import decide_pay, open_pay_proposals
from models.installation.settings import NotReleasedError, load_installation
from models.mining.snapshots import SnapshotCopies
from ops.running import with_addresses
from runtime.broker.bells import SOCKET_TIMEOUT_SECONDS
from runtime.clock import utcnow
from runtime.environment import Config, ConfigError, load_config
from runtime.pii import Keyring, UnreadableError


def grant(who: str, role: str, reason: str) -> int:
    """Give a user, named by e-mail address, phone number or id, a role. Return the exit status."""
    if role not in list(Role):
        print(f"admin: {role!r} is no role; there are {', '.join(Role)}", file=sys.stderr)
        return 2
    try:
        config = load_config(with_addresses(os.environ))
        return asyncio.run(_grant(config, who, Role(role), reason))
    except NoSuchUserError:
        print(f"admin: there is no user {who!r}", file=sys.stderr)
    except (ConfigError, NotReleasedError, UnreadableError, *DATABASE_ERRORS) as error:
        print(f"admin: {error}", file=sys.stderr)
    return 2


def approve(proposal: str | None, reason: str) -> int:
    """Approve a change of what is paid, or print those that are open. Return the exit status."""
    try:
        proposal_id = UUID(proposal) if proposal else None
    except ValueError:
        print(f"admin: {proposal!r} is no id of a proposal", file=sys.stderr)
        return 2
    try:
        config = load_config(with_addresses(os.environ))
        return asyncio.run(_approve(config, proposal_id, reason))
    except NoSuchProposalError:
        print(f"admin: there is no proposal {proposal}", file=sys.stderr)
    except (ConfigError, NotReleasedError, NotDecidableError, *DATABASE_ERRORS) as error:
        print(f"admin: {error}", file=sys.stderr)
    return 2


async def _approve(config: Config, proposal_id: UUID | None, reason: str) -> int:
    database = open_database(config.database_url, pool_size=1, application_name="twtc-admin")
    try:
        if proposal_id is None:
            for row in await open_pay_proposals(database):
                print(f"{row.id} {row.kind} {row.subject}, by {row.proposer_id}: {row.reason}")
                print(f"    {row.changes}")
            return 0
        made = await decide_pay(
            database, OPERATOR, proposal_id, is_approved=True, note=reason, now=utcnow()
        )
    finally:
        await database.dispose()
    print(f"{made.kind} {made.subject} is changed")
    return 0


async def _grant(config: Config, who: str, role: Role, reason: str) -> int:
    database = open_database(config.database_url, pool_size=1, application_name="twtc-admin")
    redis = Redis.from_url(
        config.redis_url,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
    )
    try:
        copies = SnapshotCopies(redis, (await load_installation(database)).id)
        user_id = await _find(database, config.keyring, who)
        await set_role(database, copies, OPERATOR, user_id, role, reason, utcnow())
    finally:
        await redis.aclose()
        await database.dispose()
    print(f"user {user_id} is {role} now")
    return 0


async def _find(database: Database, keyring: Keyring, who: str) -> int:
    """The user of an id, an e-mail address or a phone number. Raise NoSuchUserError."""
    if who.isascii() and who.isdecimal() and len(who) <= 18:
        return int(who)
    email, phone = normal_email(who), phone_of(who)
    for kind, value in (("email", email), ("phone", phone)):
        account = await find_by_identity(database, keyring, kind, value) if value else None
        if account is not None:
            return account.id
    raise NoSuchUserError
