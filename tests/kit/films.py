"""A short film of our own, with a question, for tests that watch one to its end."""

from models.base.db import Connection, run, sql

SECONDS = 4
_ADD_VIDEO = sql("""
    INSERT INTO videos (id, provider, provider_id, title, channel, country, category,
                        duration_seconds, boost_percent, regions, is_active)
    VALUES ('own:petra', 'own', 'petra', 'Petra by night', 'TWTC', 'JO', 'HISTORY', 4, 150, '{}',
            true)
""")
_ADD_QUESTION = sql("""
    INSERT INTO questions SELECT 'video:petra', 'own:petra', NULL, 'JO', text, options,
        correct_index, difficulty, NULL, true FROM questions WHERE video_id IS NULL LIMIT 1
""")
_HIDE_OTHERS = sql("""
    UPDATE videos SET is_active = false, inactive_because = 'TEST' WHERE id <> 'own:petra'
""")


async def show_only_petra(connection: Connection) -> None:
    """Add the film; the others, which need YouTube, are not shown."""
    for statement in (_ADD_VIDEO, _ADD_QUESTION, _HIDE_OTHERS):
        await run(connection, statement)
