"""Referral codes."""
