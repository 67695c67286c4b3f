"""What metrics and traces may say about a request: nothing that a caller can choose freely."""

from typing import Any

HEALTH = "/health"
OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


def method_of(scope: Any) -> str:
    """A known method; others are of the caller's invention."""
    return scope["method"] if scope["method"] in _METHODS else OTHER


def route_of(scope: Any) -> str:
    """The declared path of the route that answered; ``other`` if there is none."""
    declared = getattr(scope.get("route"), "path", None)
    if isinstance(declared, str):
        return declared
    return HEALTH if scope["path"] == HEALTH else OTHER
