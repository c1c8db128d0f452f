"""The doorbell, and the brokers that carry it."""
