"""Scores clean shards: embeddings and sentiment in one pass."""
