"""Boosts: a video watched, a question answered."""
