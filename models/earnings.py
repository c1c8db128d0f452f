"""Boosts and daily tasks for the rules, and what the rules pay: payments, notes, achievements."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from operator import itemgetter

from msgspec.structs import asdict

from engine.boost import OPEN_BOOST_STATUSES, Boost, BoostStatus
from engine.daily import Category, TaskState, TaskStatus
from engine.decision import Achievement, Member, Payment
from engine.timeline import bucket_of
from models import arrays
from models.db import Connection, Database, Row, connected, rows, run, sql
from models.encoding import encode
from runtime.clock import new_id

# Of the days in question, whatever is still open, and what was asked of the videos to be begun.
LOAD_BOOSTS = sql("""
    SELECT id, user_id, session_id, video_id, question_key, day, status, duration_seconds,
           reward_micro, started_at, watched_at, asked_at, answered_at, answer, is_correct, slot,
           failed_at, failure
    FROM boosts
    WHERE bucket = :bucket AND user_id = ANY(CAST(:users AS bigint[]))
      AND (day >= :first_day OR status IN ('WATCHING', 'WATCHED', 'ASKED')
           OR (video_id = ANY(CAST(:videos AS text[])) AND asked_at IS NOT NULL))
""")

_TASK_COLUMNS = """user_id, day, number, task_type_id, category, subject, reward_micro, status,
    attempt, started_at, expires_at, view_id, proof, submitted_at, claimed_at, failed_at, failure,
    reviewer"""

LOAD_TASKS = sql(f"""
    SELECT {_TASK_COLUMNS} FROM daily_tasks
    WHERE bucket = :bucket AND day >= :first_day AND user_id = ANY(CAST(:users AS bigint[]))
""")

TASKS_OF_DAY = sql(f"""
    SELECT {_TASK_COLUMNS} FROM daily_tasks
    WHERE bucket = :bucket AND day = :day AND user_id = :user_id
""")

_BOOST_TYPES = {
    "id": "uuid",
    "user_id": "bigint",
    "session_id": "uuid",
    "video_id": "text",
    "question_key": "text",
    "day": "date",
    "status": "text",
    "duration_seconds": "integer",
    "reward_micro": "bigint",
    "started_at": "timestamptz",
    "watched_at": "timestamptz",
    "asked_at": "timestamptz",
    "answered_at": "timestamptz",
    "answer": "smallint",
    "is_correct": "boolean",
    "slot": "smallint",
    "failed_at": "timestamptz",
    "failure": "text",
}
_TASK_TYPES = {
    "user_id": "bigint",
    "day": "date",
    "number": "smallint",
    "task_type_id": "smallint",
    "category": "text",
    "subject": "text",
    "reward_micro": "bigint",
    "status": "text",
    "attempt": "smallint",
    "started_at": "timestamptz",
    "expires_at": "timestamptz",
    "view_id": "uuid",
    "proof": "text",
    "submitted_at": "timestamptz",
    "claimed_at": "timestamptz",
    "failed_at": "timestamptz",
    "failure": "text",
    "reviewer": "text",
}
_PAYMENT_TYPES = {
    "id": "uuid",
    "user_id": "bigint",
    "type": "text",
    "from_account": "text",
    "to_account": "text",
    "amount": "bigint",
    "reference": "text",
    "funding": "text",
    "description": "text",
    "metadata": "jsonb",
    "created_at": "timestamptz",
}
_ACHIEVEMENT_TYPES = {
    "user_id": "bigint",
    "kind": "text",
    "day": "date",
    "earned_at": "timestamptz",
}

STORE_BOOSTS = arrays.insert(
    "boosts",
    _BOOST_TYPES,
    updated=[
        "status",
        "watched_at",
        "asked_at",
        "answered_at",
        "answer",
        "is_correct",
        "slot",
        "failed_at",
        "failure",
    ],
)
STORE_TASKS = arrays.insert(
    "daily_tasks",
    _TASK_TYPES,
    updated=[
        "subject",
        "status",
        "attempt",
        "expires_at",
        "view_id",
        "proof",
        "submitted_at",
        "claimed_at",
        "failed_at",
        "failure",
        "reviewer",
    ],
    key=("day", "user_id", "number"),
)
# Rows of the ledger are added, never changed: a reference that is there already raises.
STORE_PAYMENTS = arrays.insert("transactions", _PAYMENT_TYPES)
STORE_ACHIEVEMENTS = arrays.insert("achievements", _ACHIEVEMENT_TYPES)

PAY_WALLETS = sql("""
    UPDATE wallets w SET balance = w.balance + d.amount,
        settled_balance = w.settled_balance + d.amount, updated_at = :now
    FROM unnest(CAST(:users AS bigint[]), CAST(:amounts AS bigint[])) AS d (user_id, amount)
    WHERE w.bucket = :bucket AND w.user_id = d.user_id
""")


async def load_boosts(
    connection: Connection,
    bucket: int,
    members: Mapping[int, Member],
    first_day: date,
    videos: Collection[str],
) -> None:
    """Load the members' boosts since a day, and all in which these videos' questions were put."""
    params = {
        "bucket": bucket,
        "users": sorted(members),
        "first_day": first_day,
        "videos": sorted(videos),
    }
    for row in await rows(connection, LOAD_BOOSTS, params):
        boost = Boost(**{**row, "status": BoostStatus(row.status)})
        members[boost.user_id].boosts[boost.id] = boost


async def load_tasks(
    connection: Connection, bucket: int, members: Mapping[int, Member], first_day: date
) -> None:
    """Load the members' touched tasks since a day."""
    params = {"bucket": bucket, "users": sorted(members), "first_day": first_day}
    for row in await rows(connection, LOAD_TASKS, params):
        state = _task(row)
        members[state.user_id].tasks[state.day, state.number] = state


async def read_day(database: Database, user_id: int, day: date) -> dict[int, TaskState]:
    """A user's touched tasks of a day, by number."""
    params = {"bucket": bucket_of(user_id), "user_id": user_id, "day": day}
    async with connected(database) as connection:
        found = await rows(connection, TASKS_OF_DAY, params)
    return {row.number: _task(row) for row in found}


def _task(row: Row) -> TaskState:
    known = {"status": TaskStatus(row.status), "category": Category(row.category)}
    return TaskState(**{**row, **known})


async def store_earnings(
    connection: Connection, bucket: int, boosts: Collection[Boost], tasks: Collection[TaskState]
) -> None:
    """Write what the rules changed."""
    # What is over first: it makes room for its successor under the unique keys.
    ordered = sorted(boosts, key=lambda b: (b.status in OPEN_BOOST_STATUSES, b.id))
    changed = [asdict(boost) for boost in ordered]
    await arrays.store(connection, STORE_BOOSTS, bucket, changed, _BOOST_TYPES)
    touched = sorted(map(asdict, tasks), key=itemgetter("day", "user_id", "number"))
    await arrays.store(connection, STORE_TASKS, bucket, touched, _TASK_TYPES)


async def store_payments(
    connection: Connection,
    bucket: int,
    payments: Sequence[Payment],
    achievements: Sequence[Achievement],
    now: datetime,
) -> None:
    """Add to the ledger, and to the wallets in the same statements' transaction."""
    entries = [
        {
            "id": new_id(payment.paid_at),
            "user_id": payment.user_id,
            "type": payment.type,
            "from_account": payment.from_account,
            "to_account": f"wallet:{payment.user_id}",
            "amount": payment.amount_micro,
            "reference": payment.reference,
            "funding": payment.funding,
            "description": payment.description,
            "metadata": encode(payment.metadata),
            "created_at": payment.paid_at,
        }
        for payment in payments
    ]
    if not entries:
        return
    await arrays.store(connection, STORE_PAYMENTS, bucket, entries, _PAYMENT_TYPES)
    sums: dict[int, int] = {}
    for payment in payments:
        sums[payment.user_id] = sums.get(payment.user_id, 0) + payment.amount_micro
    users, amounts = zip(*sorted(sums.items()), strict=True)
    params = {"bucket": bucket, "users": users, "amounts": amounts, "now": now}
    await run(connection, PAY_WALLETS, params)
    earned = sorted(map(asdict, achievements), key=itemgetter("user_id", "day"))
    await arrays.store(connection, STORE_ACHIEVEMENTS, bucket, earned, _ACHIEVEMENT_TYPES)
