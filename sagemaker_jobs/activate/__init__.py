"""Makes a registered model version and its index current, and rolls back."""
