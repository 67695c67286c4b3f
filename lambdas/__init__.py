"""Lambda functions: each has handler (entry), api (routes), service (what it does), settings."""
