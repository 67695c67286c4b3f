"""Sentiment of a text with the reviews most like it: /analyze."""
