"""Articles, questions, videos."""
