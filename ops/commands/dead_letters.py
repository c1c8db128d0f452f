"""`twtc dead-letters`: intents and errands that failed too often, and another try for one."""

import asyncio
import os
import sys
from uuid import UUID

from models.base.db import DATABASE_ERRORS, open_database
from models.base.trail import OPERATOR
from models.operations.operations import read_dead_letters, revive
from ops.running import with_addresses
from runtime.broker.bells import Bells, open_broker
from runtime.clock import utcnow
from runtime.environment import Config, ConfigError, load_config

ERROR_LETTERS_MAX = 200


class LetterNameError(ValueError):
    """A dead letter is named BUCKET/ID."""


def dead_letters(letter: str | None) -> int:
    """List the dead letters, or requeue one. Return the exit status: 1 if there is none of it."""
    try:
        config = load_config(with_addresses(os.environ))
        if letter is None:
            return asyncio.run(show_letters(config))
        return asyncio.run(requeue_letter(config, *_named(letter)))
    except (ConfigError, LetterNameError, *DATABASE_ERRORS) as error:
        print(f"dead-letters: {error}", file=sys.stderr)
        return 2


def _named(letter: str) -> tuple[int, UUID]:
    try:
        bucket, intent_id = letter.split("/")
        return int(bucket), UUID(intent_id)
    except ValueError:
        raise LetterNameError(f"{letter!r} is not BUCKET/ID, as the list shows it") from None


async def show_letters(config: Config) -> int:
    """Print the oldest thousand."""
    database = open_database(config.database_url, pool_size=1, application_name="twtc-letters")
    try:
        found = await read_dead_letters(database)
    finally:
        await database.dispose()
    for row in found:
        error = (row.error or "")[:ERROR_LETTERS_MAX]
        whose = f"user {row.user_id}" if row.user_id else f"group {row.group_number}"
        print(f"{row.bucket}/{row.id}  {row.recorded_at:%Y-%m-%d %H:%M:%SZ}  {row.kind}  {whose}")
        print(f"    {error}")
    print(f"{len(found)} dead letters")
    return 0


async def requeue_letter(config: Config, bucket: int, intent_id: UUID) -> int:
    """Revive one; asked for twice, it is revived once."""
    database = open_database(config.database_url, pool_size=1, application_name="twtc-letters")
    bells = Bells(open_broker(config.broker_url, []), config.redis_url)
    try:
        reason = "twtc dead-letters"
        piece = await revive(database, OPERATOR, bucket, intent_id, reason, utcnow())
        if piece is None:
            print("dead-letters: there is no such dead letter (any more)", file=sys.stderr)
            return 1
        await bells.ring(piece)
    finally:
        await bells.close()
        await database.dispose()
    print("requeued; an intent is applied as of when it was recorded")
    return 0
