"""Builds an index of a model's embeddings."""
