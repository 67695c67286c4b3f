"""Words and frames of the rows for training."""
