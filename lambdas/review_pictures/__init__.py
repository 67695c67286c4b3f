"""Fetches and embeds the pictures of stored reviews, from a queue."""
