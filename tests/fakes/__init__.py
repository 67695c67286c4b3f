"""Fakes of adapters and services; those of ports pass the tests in tests/contracts."""
