"""Ads: units, views, requests."""
