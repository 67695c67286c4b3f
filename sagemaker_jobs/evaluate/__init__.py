"""Measures an exported model on labelled texts."""
