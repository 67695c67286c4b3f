"""Pictures of callers: checked, decoded and encoded anew."""
