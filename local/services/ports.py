"""Port of each service."""

APIS = {
    "collection": 9001,
    "processing": 8002,
    "training": 8003,
    "retrieval": 8004,
    "inference": 8005,
    "insights": 8007,
}
"""Services with routes. The page (``python -m frontend_space``) has 8006."""
WORKER = 8008
AWS = 4566
AWS_HEALTH = 4567
