"""Robustness: the cost of noise, and behavioural cases (negation, contrast and others).

``perturbations`` are pure functions of text, strength and seed; ``behaviour`` holds cases with
their allowed labels; ``measure`` runs both on a model.
"""
