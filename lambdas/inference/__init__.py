"""Answers /analyze: sentiment, confidence, summary, similar reviews."""
