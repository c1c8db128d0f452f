"""Workers apply intents: load, decide, store, in one transaction per batch."""
