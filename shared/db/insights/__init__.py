"""Figures over time, of products and segments: kept current and read."""
