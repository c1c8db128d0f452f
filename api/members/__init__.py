"""The routes of members, a file a domain."""
