"""Recording what is asked for."""
