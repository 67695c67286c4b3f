"""Serves /search_similar, /review_pictures and /build_index: similar reviews and their index."""
