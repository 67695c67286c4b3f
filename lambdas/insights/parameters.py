"""Query parameters with their limits, and checks that involve two of them."""

import inspect
from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import Query

from shared.errors import InvalidInputError
from shared.schemas.review import ProductFacts
from shared.schemas.values import QUERY_INTEGER, QUERY_NUMBER, Day, PlainText

Limit = Annotated[int, Query(ge=1, le=200), QUERY_INTEGER]
Stars = Annotated[float, Query(ge=1, le=5), QUERY_NUMBER] | None
ProductId = Annotated[PlainText | None, Query(max_length=512)]
Category = Annotated[
    PlainText | None, Query(max_length=512, description="empty: products without a category")
]
Source = Annotated[PlainText | None, Query(max_length=512)]
Language = Annotated[
    str | None,
    Query(
        pattern="^[a-z]{2,3}$",
        description="ISO 639-1 code such as de, or und where it is not determined",
    ),
]
FirstDay = Annotated[Day | None, Query(alias="from", description="inclusive, UTC")]
LastDay = Annotated[Day | None, Query(alias="to", description="inclusive, UTC")]


def check_days(first_day: date | None, last_day: date | None) -> None:
    """Raise InvalidInputError unless the days are in order."""
    if first_day and last_day and first_day > last_day:
        raise InvalidInputError("from must not be after to", details={"field": "from"})


def check_ratings(min_rating: float | None, max_rating: float | None) -> None:
    """Raise InvalidInputError unless the ratings are in order."""
    if min_rating and max_rating and min_rating > max_rating:
        message = "min_rating must not be above max_rating"
        raise InvalidInputError(message, details={"field": "min_rating"})


def _facts_reader() -> Callable[..., ProductFacts]:
    """Make the dependency that reads one query parameter for each fact."""

    def read(**facts: str | None) -> ProductFacts:
        return ProductFacts(**facts)

    parameters = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                PlainText | None,
                Query(max_length=512, description=f"empty: products without a {name}"),
            ],
        )
        for name in ProductFacts.model_fields
    ]
    read.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return read


read_product_facts = _facts_reader()
