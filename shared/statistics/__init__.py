"""Statistical tests and measures for insights; they use only the standard library."""
