"""Copied reviews: text prints, groups, queries."""
