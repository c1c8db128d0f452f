"""The lane of errands: calls to the outside, which nothing else waits for (decision 0054)."""
