"""The local ad partner, a program of its own: `python -m partner`."""
