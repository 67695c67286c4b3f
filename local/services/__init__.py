"""The parts of a stack as services of their own, for containers: ``python -m local.services``."""
