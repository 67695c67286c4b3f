"""Adapts a model's sentiment to a new kind of product, from a few hundred labelled reviews."""
