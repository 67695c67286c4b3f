"""Answers queries with one model and the index of its embeddings, swapped together."""
