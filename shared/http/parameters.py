"""Checks of request parameters that several services share."""

from shared.errors import InvalidInputError


def reject_nul(**texts: str | None) -> None:
    """Raise InvalidInputError if a text contains NUL, which PostgreSQL refuses; names the field."""
    for name, text in texts.items():
        if text and "\0" in text:
            raise InvalidInputError(f"{name} must not contain NUL", details={"field": name})
