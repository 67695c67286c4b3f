"""Makes a registered version current, as a job that tells how it ended."""
