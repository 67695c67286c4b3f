"""Brings the database schema to the current version."""
