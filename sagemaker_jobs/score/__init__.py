"""Scores all stored reviews with one model version, before that version is active."""
