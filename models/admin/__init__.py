"""What administrators do, and the trail of it."""
