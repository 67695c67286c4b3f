"""Decides whether a candidate may replace the current model, by comparing both on the same rows."""
