"""Accounts: what an address is."""
