"""The database itself: migrated, seeded, spread, archived, ready."""
