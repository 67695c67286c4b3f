"""Pictures of stored reviews: limits of what a dump may name."""

MAX_PICTURES_OF_REVIEW = 8
MAX_URL_CHARACTERS = 2048
URL_SEPARATOR = " "
"""Between the addresses of a review's pictures, none of which has a space."""
