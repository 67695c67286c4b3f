"""Similar reviews, with filters, and the index they come from: /search_similar, /build_index."""
