"""The whole application on one machine: PostgreSQL, in-process AWS, gateway and worker."""
