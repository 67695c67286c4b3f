"""Query parameters: their limits, and checks that take two of them."""

from datetime import date
from typing import Annotated

from fastapi import Query

from shared.errors import InvalidInputError

Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=2048)]
Stars = Annotated[float | None, Query(ge=1, le=5, allow_inf_nan=False)]
ProductId = Annotated[str | None, Query(max_length=512)]
Category = Annotated[str | None, Query(max_length=512, description="empty: none")]
Source = Annotated[str | None, Query(max_length=512)]
FirstDay = Annotated[date | None, Query(alias="from", description="inclusive, UTC")]
LastDay = Annotated[date | None, Query(alias="to", description="inclusive, UTC")]


def check_texts(**given: str | None) -> None:
    """Raise InvalidInputError for a text with a NUL, which PostgreSQL takes none of."""
    for name, text in given.items():
        if text and "\0" in text:
            raise InvalidInputError(f"{name} holds a NUL", details={"field": name})


def check_days(first_day: date | None, last_day: date | None) -> None:
    """Raise InvalidInputError unless the days are in order."""
    if first_day and last_day and first_day > last_day:
        raise InvalidInputError("from must not be after to", details={"field": "from"})


def check_ratings(least: float | None, most: float | None) -> None:
    """Raise InvalidInputError unless the ratings are in order."""
    if least and most and least > most:
        told = "min_rating must not be above max_rating"
        raise InvalidInputError(told, details={"field": "min_rating"})
