"""One machine: embedded PostgreSQL, in-process AWS, event sources, gateway, command line."""
