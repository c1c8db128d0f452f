"""Fraud: trails, holds, reviews."""
