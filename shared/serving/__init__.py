"""What answers queries: one model and one index that fit each other, swapped together."""
