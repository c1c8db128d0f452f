"""What the examination for fraud adds to every decision."""

from engine.fraud.examination import examine

REACTIONS = (examine,)
