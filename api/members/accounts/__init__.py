"""How one comes to an account, into it, and out of it."""
