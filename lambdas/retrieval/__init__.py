"""Serves /search_similar and /build_index: similar reviews, and the index they come from."""
