"""Serves /analyze: the sentiment of a text, with the most similar reviews."""
