"""Figures over time, of products and of segments: updates and queries."""
