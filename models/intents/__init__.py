"""Intents: recorded, queued, claimed, completed, failed, followed up."""
