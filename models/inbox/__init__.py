"""Notifications, and what phones are told of them."""
