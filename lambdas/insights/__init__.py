"""Serves trends, products, reviews, aspects, duplicates and drift from PostgreSQL."""
