"""Changes of addresses."""
