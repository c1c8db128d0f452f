"""How the engine stands: figures, alerts, invariants, upkeep."""
