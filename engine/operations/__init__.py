"""How the engine stands."""
