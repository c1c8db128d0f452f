"""Addresses, and where they are."""

USA, CHINA = "198.51.100.7", "203.0.113.7"
