"""Fits a model's sentiment to a new kind of products, from a few hundred labelled reviews."""
