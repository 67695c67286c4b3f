"""The application on one machine: PostgreSQL, in-process AWS, gateway, worker, command line."""
