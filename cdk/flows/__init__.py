"""Definitions of state machines, in JSON with ``${Name}`` for what CDK fills in."""
