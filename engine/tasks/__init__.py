"""Daily tasks."""
