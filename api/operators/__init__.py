"""The routes of operators, a file a subject."""
