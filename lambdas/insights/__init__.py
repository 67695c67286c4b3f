"""Answers /trends, /movers, /products, /segments, /drift and /reviews from PostgreSQL."""
