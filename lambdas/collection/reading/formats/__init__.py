"""One parser for each format."""
