"""Answers /products and /reviews from PostgreSQL."""
