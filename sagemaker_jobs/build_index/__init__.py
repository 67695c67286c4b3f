"""Builds an index of a model's embeddings, and makes the pair of both current."""
