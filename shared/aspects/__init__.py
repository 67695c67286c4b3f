"""What a review speaks of: its sentences, and the noun phrases in them."""
