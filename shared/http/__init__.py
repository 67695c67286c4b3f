"""HTTP: problem+json, limits, health, Mangum."""
