"""What a member's phone is told: the poll, and streams."""
