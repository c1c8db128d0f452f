"""What every domain's rules are made of."""
