"""Answers /search_similar and builds the index."""
