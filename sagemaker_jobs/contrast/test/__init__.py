"""Words and frames of the behavioural suite; no model is trained on them."""
