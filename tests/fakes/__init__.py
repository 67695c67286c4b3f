"""In-memory stand-ins; each passes the suite in tests/contracts that its real adapter passes."""
