"""`twtc release`: migrate and seed. Runs before every deployment; running it again is harmless."""

import asyncio
import os
import sys
from collections.abc import Mapping

from sqlalchemy.exc import SQLAlchemyError

from api.identity.passwords import hash_password
from engine.core.timeline import PRODUCTION, PROFILES, Timing, TimingError, utc_day
from models.accounts.register import IdentityTakenError, Newcomer, register
from models.accounts.sealing import seal_all
from models.base.db import DATABASE_ERRORS, POOLER, open_database, transaction
from models.base.partitions import prepare_partitions
from models.content.library import seed_films
from models.installation.settings import load_installation, timing_from
from models.operations.mailboxes import index_mailboxes
from models.schema.migrate import migrate
from models.schema.seed import seed
from partner.hosting import VIDEOS_PATH
from runtime.clock import utcnow
from runtime.environment import Config, ConfigError, load_config
from runtime.pii import UnreadableError

DEMO_EMAIL = "demo@twtc.example"


def release() -> int:
    """Bring the database to this version of the code. Return the exit status."""
    try:
        config, timing = load_config(), timing_from(os.environ)
    except (ConfigError, TimingError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 2
    if POOLER in config.database_url:
        print(
            "release: migrations hold a lock on their session: set DATABASE_URL to PostgreSQL "
            "itself, not to its pooler",
            file=sys.stderr,
        )
        return 2
    try:
        asyncio.run(bring_up_to_date(config, timing, os.environ))
    except UnreadableError as error:
        print(f"release: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"release: PostgreSQL cannot be reached: {error}", file=sys.stderr)
        return 2
    except (SQLAlchemyError, *DATABASE_ERRORS) as error:
        # What PostgreSQL said, without the statement: `twtc release` is read by operators.
        said = str(getattr(error, "orig", error)).splitlines()[0]
        print(f"release: PostgreSQL refused: {said}", file=sys.stderr)
        return 1
    return 0


async def bring_up_to_date(config: Config, timing: Timing, environ: Mapping[str, str]) -> None:
    """Migrate and seed; harmless when there is nothing to do."""
    await migrate(config.database_url)
    database = open_database(config.database_url, pool_size=2, application_name="twtc-release")
    try:
        now = utcnow()
        await seed(database, timing, now)
        if config.own_videos_url == config.partner_url + VIDEOS_PATH:  # as ./run has it
            async with transaction(database) as connection:
                await seed_films(connection)
        await prepare_partitions(database, utc_day(now))
        await seal_all(database, config.keyring, now, again=False)
        await index_mailboxes(database, config.keyring, now)
        password = environ.get("TWTC_DEMO_PASSWORD")
        if password and timing != PRODUCTION:  # only ./run sets one
            table = (await load_installation(database)).table
            try:
                hashed = await hash_password(password)
                demo = Newcomer("email", DEMO_EMAIL, hashed, verified_at=now)
                await register(database, config.keyring, table, demo, now)
            except IdentityTakenError:
                pass
    finally:
        await database.dispose()
    profile = next((name for name, known in PROFILES.items() if known == timing), "custom")
    print(f"released: database is current, {profile} timing")
