"""The ledger: one door through which coins move (decision 52)."""
