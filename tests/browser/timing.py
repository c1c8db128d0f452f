"""How long things take in a browser."""

# A session of a minute; every six seconds a window of twelve opens; ads of two seconds.
TIMING = {"CYCLE": 60, "TICK": 2, "STAGGER": 6, "WINDOW": 12, "AD": 2, "PROOF": 23}
