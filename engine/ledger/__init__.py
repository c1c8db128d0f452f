"""The ledger: whose money a coin is, and what it may be used for."""
