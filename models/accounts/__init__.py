"""Accounts: registration, addresses, sign-ins, second factors."""
