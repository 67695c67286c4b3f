"""Reads uploaded dumps: S3 event, to clean shards and the table of reviews."""
