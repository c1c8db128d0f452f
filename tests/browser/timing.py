"""How long things take in a browser."""

# A session of a minute; a window of six seconds each minute; ads of two seconds.
TIMING = {"CYCLE": 60, "TICK": 2, "STAGGER": 6, "WINDOW": 6, "AD": 2, "PROOF": 26}
LONG_WINDOW = TIMING | {"WINDOW": 12, "PROOF": 23}
