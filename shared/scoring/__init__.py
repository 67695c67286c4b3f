"""Scoring of stored reviews: one clean shard, one model."""
