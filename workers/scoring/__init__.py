"""The anomaly score: trained at night, and given to every account for its day."""
