"""Which texts are the same, and which are nearly so."""
