"""Deterministic simulation: the real handlers, workers, clock and database, in a seeded world.

One seed is one small world: a few members, two of every process, a network and a disk that fail.
After it, the books must be right, and equal to what a second, independent model of the product
says (`model`). The same seed does exactly the same thing again (decision 0038).
"""
