"""Reads uploaded dumps into clean shards and the reviews table."""
