"""Migrates the database schema to the newest revision."""
