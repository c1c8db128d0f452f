"""Telling phones: errands of their own kind, made by FCM (decisions 0023 and 0054)."""
