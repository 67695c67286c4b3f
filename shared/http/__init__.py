"""The HTTP edge: problem+json, limits, health, Mangum."""
