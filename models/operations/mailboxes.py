"""Mailboxes of accounts from before there were mailboxes, and addresses that would be refused today
(decision 0044).

Run by `twtc release`, which has the keys: once, bucket by bucket, and from where it stopped. The
accounts stay as they are.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from engine.accounts.addresses import is_disposable
from engine.core.addresses import AddressError, parse_address
from engine.core.timeline import BUCKET_COUNT
from engine.operations.alerts import Alert, Severity
from models.accounts.claims import claim_of
from models.base.db import Database, Row, connected, rows, run, sql, transaction
from models.base.encoding import encode
from models.base.trail import OPERATOR, Entry, log_action
from models.operations.alerts import keep_alerts
from runtime.pii import Keyring

log = logging.getLogger(__name__)

ROWS_MAX = 1_000
# With another name when addresses are read otherwise: then all are claimed again.
_SETTING = "mailboxes_indexed_2"
_ALERT = "addresses"
_NO_ADDRESS, _DISPOSABLE, _SHARED = "no address", "disposable", "mailbox of another account"

PROGRESS = sql("SELECT value FROM settings WHERE name = :name")
NOTE_PROGRESS = sql("""
    INSERT INTO settings (name, value, updated_at) VALUES (:name, CAST(:value AS jsonb), :now)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
""")
PAGE = sql("""
    SELECT id, email FROM users
    WHERE bucket = :bucket AND id > :after AND email IS NOT NULL AND closed_at IS NULL
    ORDER BY id LIMIT :limit
""")
CLAIM_MAILBOXES = sql("""
    INSERT INTO mailboxes (value, user_id, claimed_at)
    SELECT d.value, d.user_id, CAST(:now AS timestamptz)
    FROM unnest(CAST(:values AS text[]), CAST(:users AS bigint[])) AS d (value, user_id)
    ON CONFLICT (value) DO NOTHING
""")
OWNERS = sql("SELECT value, user_id FROM mailboxes WHERE value = ANY(CAST(:values AS text[]))")
# The form in which an address is unique may be another one today.
CLAIM_IDENTITIES = sql("""
    INSERT INTO identities (kind, value, user_id, created_at)
    SELECT 'email', d.value, d.user_id, CAST(:now AS timestamptz)
    FROM unnest(CAST(:values AS text[]), CAST(:users AS bigint[])) AS d (value, user_id)
    ON CONFLICT (kind, value) DO NOTHING
""")


class Progress(Struct):
    """The bucket that is next, and how many accounts were found for each reason."""

    bucket: int = 0
    found: dict[str, int] = {}


async def index_mailboxes(database: Database, keyring: Keyring, now: datetime) -> dict[str, int]:
    """Claim the mailboxes of all accounts. Return how many addresses would be refused, and why.

    Nothing is done if it was done before, or without keys.
    """
    progress = await _read(database)
    if progress.bucket == BUCKET_COUNT or not keyring.secrets:
        return {}
    while progress.bucket < BUCKET_COUNT:
        refused = await _index_bucket(database, keyring, progress.bucket, now)
        counts = Counter(progress.found) + Counter(refused.values())
        progress = Progress(progress.bucket + 1, dict(counts))
        await _note(database, refused, progress, now)
    if progress.found:
        listed = ", ".join(f"{why}: {n}" for why, n in sorted(progress.found.items()))
        text = f"Accounts whose e-mail address would be refused today: {listed}"
        log.warning("%s. They go on; each is named in the trail as address.found", text)
        figures = {why.replace(" ", "_"): n for why, n in progress.found.items()}
        await keep_alerts(database, [], [Alert(_ALERT, Severity.WARNING, text, figures, now)], now)
    return progress.found


async def _index_bucket(
    database: Database, keyring: Keyring, bucket: int, now: datetime
) -> dict[int, str]:
    refused: dict[int, str] = {}
    after = 0
    while True:
        params = {"bucket": bucket, "after": after, "limit": ROWS_MAX}
        async with connected(database) as connection:
            page = await rows(connection, PAGE, params)
        refused |= await _claim_page(database, keyring, page, now)
        if len(page) < ROWS_MAX:
            return refused
        after = page[-1].id


async def _claim_page(
    database: Database, keyring: Keyring, page: Sequence[Row], now: datetime
) -> dict[int, str]:
    refused: dict[int, str] = {}
    mailboxes: dict[int, str] = {}
    identities: dict[int, str] = {}
    for row in page:
        written = keyring.open_any("email", row.id, row.email)
        try:
            address = parse_address(written)
        except AddressError:
            refused[row.id] = _NO_ADDRESS
            continue
        if is_disposable(address):
            refused[row.id] = _DISPOSABLE
        claim = claim_of(keyring, "email", str(address))
        assert claim.mailbox is not None
        mailboxes[row.id] = claim.mailbox
        if str(address) != written:
            identities[row.id] = claim.identity
    async with transaction(database) as connection:
        await run(connection, CLAIM_MAILBOXES, _claims(mailboxes) | {"now": now})
        await run(connection, CLAIM_IDENTITIES, _claims(identities) | {"now": now})
        found = await rows(connection, OWNERS, {"values": list(mailboxes.values())})
    owners = {row.value: row.user_id for row in found}
    shared = [user for user, mailbox in mailboxes.items() if owners.get(mailbox) != user]
    return refused | dict.fromkeys(shared, _SHARED)


async def _read(database: Database) -> Progress:
    async with connected(database) as connection:
        found = await rows(connection, PROGRESS, {"name": _SETTING})
    return msgspec.json.decode(found[0].value, type=Progress) if found else Progress()


async def _note(
    database: Database, refused: dict[int, str], progress: Progress, now: datetime
) -> None:
    """Name the accounts of a bucket in the trail, and go on with the next: together."""
    params = {"name": _SETTING, "value": encode(progress), "now": now}
    async with transaction(database) as connection:
        for user_id, why in refused.items():
            action = Entry("address.found", "user", str(user_id), after={"why": why})
            await log_action(connection, OPERATOR, action, now)
        await run(connection, NOTE_PROGRESS, params)


def _claims(values: dict[int, str]) -> dict[str, Any]:
    return {"values": list(values.values()), "users": list(values)}
