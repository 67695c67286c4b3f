"""Aspects: the noun phrases in the sentences of a review."""
