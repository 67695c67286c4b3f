"""Fetches and decodes pictures of callers, in a function that may do nothing else."""
