"""What every process stands on, beneath the models: none of it knows a table."""
