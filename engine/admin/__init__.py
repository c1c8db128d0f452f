"""Who may do what to others, and what takes two."""
