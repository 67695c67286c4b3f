"""Excludes reviewers and products: removes their rows, and leaves them out of later dumps."""
