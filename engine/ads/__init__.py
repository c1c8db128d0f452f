"""Ads: served, watched, proved."""
