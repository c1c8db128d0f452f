"""Articles, questions, videos: seeded, edited, offered."""
