"""Telling phones: a queue of its own, so that a slow vendor holds up nothing else."""
