"""Aspects: readings of models, counts, queries."""
