"""What every route stands on; it knows no domain."""
