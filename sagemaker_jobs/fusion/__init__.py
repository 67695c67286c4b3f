"""Learns and measures sentiments from texts and pictures together, over frozen encoders."""
