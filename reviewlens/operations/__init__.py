"""The operations of the API: each function describes one call."""
