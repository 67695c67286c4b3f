"""Reusable constructs of the stacks."""
