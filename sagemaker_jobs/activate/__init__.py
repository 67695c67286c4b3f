"""Activates a registered model version together with its index, and rolls back."""
