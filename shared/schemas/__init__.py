"""Wire and storage contracts: pydantic models and enumerations, no behaviour beyond validation."""
