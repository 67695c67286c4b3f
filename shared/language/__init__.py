"""The language of a text, and whether the model understands it."""
