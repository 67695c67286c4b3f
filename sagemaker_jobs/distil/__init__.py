"""Trains a large teacher, labels texts with it, and trains a small model on its labels."""
