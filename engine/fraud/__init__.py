"""Who behaves like nobody should: checks on every intent, alert levels, and what they bring."""
