"""Settings: one frozen class per entry point, read from the environment when it is built."""
