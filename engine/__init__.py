"""The rules: pure functions of (state, intent, time). No clock, no randomness, no I/O."""
