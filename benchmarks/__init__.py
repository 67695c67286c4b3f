"""Benchmarks of speed and memory: ``python -m benchmarks`` from the root of the repository."""
