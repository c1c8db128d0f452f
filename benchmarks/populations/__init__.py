"""Populations that measure the score, and that it never learns from (decision 0049)."""
