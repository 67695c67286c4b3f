"""Divides a huge dump into ranges that several workers read at once."""
