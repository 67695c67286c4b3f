"""FAISS index versions with their SQLite side file: build, open, search."""
