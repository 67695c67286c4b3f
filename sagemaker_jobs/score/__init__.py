"""Scores all stored reviews with a model: embeddings and analyses, before it is current."""
