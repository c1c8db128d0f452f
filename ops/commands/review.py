"""`twtc review`: social tasks that await a moderator, and the verdict on them."""

import asyncio
import os
import sys
from datetime import date, datetime

from engine.core.piece import Piece
from engine.core.timeline import instant, micros
from models.base.db import DATABASE_ERRORS, Database, open_database
from models.intents.record import NothingToActOnError
from models.tasks.reviews import awaiting_review, record_review
from ops.running import with_addresses
from runtime.broker.bells import Bells, open_broker
from runtime.clock import utcnow
from runtime.environment import Config, ConfigError, load_config


class TaskNameError(ValueError):
    """What was handed in is named USER/DAY/NUMBER/INSTANT."""


def review(task: str | None, verdict: bool | None, reviewer: str) -> int:
    """Show the queue, or record a verdict on one task. Return the exit status."""
    try:
        config = load_config(with_addresses(os.environ))
        if task is None:
            return asyncio.run(_show(config))
        if verdict is None:
            raise TaskNameError("say --approve or --refuse")
        return asyncio.run(_judge(config, *_named(task), verdict, reviewer))
    except (ConfigError, TaskNameError, NothingToActOnError, *DATABASE_ERRORS) as error:
        print(f"review: {error or 'there is no such user'}", file=sys.stderr)
        return 2


def _named(task: str) -> tuple[int, date, int, datetime]:
    try:
        user_id, day, number, submitted_us = task.split("/")
        return int(user_id), date.fromisoformat(day), int(number), instant(int(submitted_us))
    except (ValueError, OverflowError):
        raise TaskNameError(
            f"{task!r} is not USER/DAY/NUMBER/INSTANT, as the list shows it"
        ) from None


def _open(config: Config) -> Database:
    return open_database(config.database_url, pool_size=1, application_name="twtc-review")


async def _show(config: Config) -> int:
    database = _open(config)
    try:
        waiting = await awaiting_review(database)
    finally:
        await database.dispose()
    for row in waiting:
        name = f"{row.user_id}/{row.day}/{row.number}/{micros(row.submitted_at)}"
        print(f"{name}  {row.name}: {row.proof or 'no proof given'!r}")
    print(f"{len(waiting)} tasks await a review")
    return 0


async def _judge(
    config: Config,
    user_id: int,
    day: date,
    number: int,
    submitted_at: datetime,
    is_approved: bool,
    reviewer: str,
) -> int:
    database = _open(config)
    bells = Bells(open_broker(config.broker_url, []), config.redis_url)
    try:
        recorded = await record_review(
            database,
            user_id,
            day,
            number,
            submitted_at,
            is_approved=is_approved,
            reviewer=reviewer,
            now=utcnow(),
        )
        await bells.ring(Piece(recorded.group_number, recorded.bucket))
    finally:
        await bells.close()
        await database.dispose()
    print(f"recorded as intent {recorded.id}")
    return 0
