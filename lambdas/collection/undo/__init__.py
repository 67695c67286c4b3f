"""Undoes an upload: removes everything that came from it, and writes a receipt."""
