"""`./run demo`: a population lives some days on a simulated clock."""
