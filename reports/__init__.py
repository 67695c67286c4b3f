"""Reports on a product, a category or all products as HTML or PDF, from answers of the API."""
