"""Mining sessions: kept for the rules, credited and settled."""
