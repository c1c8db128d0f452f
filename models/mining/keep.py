"""Sessions for the rules, and what they are credited at once."""

from collections import Counter
from collections.abc import Collection

from msgspec.structs import asdict

from engine.mining.state import Accrual, Session, SessionStatus
from models.base import arrays
from models.base.db import rows, run, sql
from models.intents.batch import Batch, Keep
from models.mining.tables import mining_sessions

_SESSION_TYPES = arrays.types_of(mining_sessions, Session.__struct_fields__)
# What was live at the time of the oldest intent, so that a late retry gives the same answer.
LOAD_SESSIONS = sql(f"""
    SELECT {", ".join(_SESSION_TYPES)} FROM mining_sessions
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[]))
      AND (status = 'PENDING' OR ends_at > :since
           OR (status <> 'FAILED' AND requested_at > :since - interval '4 hours'))
""")

STORE_SESSIONS = arrays.insert(
    "mining_sessions",
    _SESSION_TYPES,
    updated=["status", "expires_at", "view_id", "started_at", "ends_at", "failed_at", "failure"],
)
ADD_TO_WALLETS = sql("""
    UPDATE wallets w SET balance = w.balance + d.amount, updated_at = :now
    FROM unnest(CAST(:users AS bigint[]), CAST(:amounts AS bigint[])) AS d (user_id, amount)
    WHERE w.bucket = :bucket AND w.user_id = d.user_id
""")


async def load_sessions(batch: Batch) -> None:
    """Load the members' sessions as they stood at the oldest intent, or later."""
    since = min(intent.recorded_at for intent in batch.intents)
    params = {"bucket": batch.bucket, "users": batch.users, "since": since}
    for row in await rows(batch.connection, LOAD_SESSIONS, params):
        session = Session(**{**row, "status": SessionStatus(row.status)})
        batch.people[session.user_id].put(session)


async def store_sessions(batch: Batch, sessions: list[Session]) -> Collection[int]:
    """Write what the rules changed."""
    # What is given up first: it makes room for its successor under the unique keys.
    ordered = sorted(sessions, key=lambda s: (s.status is not SessionStatus.FAILED, s.id))
    items = [asdict(session) for session in ordered]
    await arrays.store(batch.connection, STORE_SESSIONS, batch.bucket, items, _SESSION_TYPES)
    return {session.user_id for session in sessions}


async def store_accruals(batch: Batch, accruals: list[Accrual]) -> Collection[int]:
    """Add to the balances what ticks would have paid."""
    sums: Counter[int] = Counter()
    for accrual in accruals:
        sums[accrual.user_id] += accrual.amount_micro
    users, amounts = zip(*sorted(sums.items()), strict=True)
    params = {"bucket": batch.bucket, "users": users, "amounts": amounts, "now": batch.now}
    await run(batch.connection, ADD_TO_WALLETS, params)
    return ()


KEEPS = (Keep(Session, store_sessions, load_sessions), Keep(Accrual, store_accruals))
