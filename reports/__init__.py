"""Reports of a product, a category or all products as HTML or PDF, from what the API answers."""
