"""Detects equal and nearly equal texts."""
