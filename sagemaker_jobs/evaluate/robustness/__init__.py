"""What noise costs a model, and whether it reads negation, contrast and the like.

``perturbations`` are pure functions of text, strength and seed; ``behaviour`` holds cases with what
may be answered to them; ``measure`` runs either over a model.
"""
