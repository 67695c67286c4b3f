"""Tests and measures behind the figures of insights: standard library alone."""
