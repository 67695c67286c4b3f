"""Query parameters with their limits, and checks that involve two of them."""

import inspect
from collections.abc import Callable
from datetime import date
from typing import Annotated

from fastapi import Query

from shared.errors import InvalidInputError
from shared.schemas.review import ProductFacts
from shared.schemas.sentiment import Sentiment
from shared.schemas.values import QUERY_INTEGER, QUERY_NUMBER, Day, PlainText

Limit = Annotated[
    int,
    Query(
        ge=1,
        le=200,
        description="Most entries of the answer, 1 to 200. An answer has fewer where long texts"
        " would make it larger than 5 MB.",
    ),
    QUERY_INTEGER,
]
Stars = Annotated[float, Query(ge=1, le=5), QUERY_NUMBER] | None
MinRating = Annotated[
    Stars,
    Query(
        description="Fewest stars, 1 to 5, inclusive; reviews without a rating are left out. Not"
        " above `max_rating`."
    ),
]
MaxRating = Annotated[
    Stars,
    Query(description="Most stars, 1 to 5, inclusive; reviews without a rating are left out."),
]
ProductId = Annotated[
    PlainText | None,
    Query(
        max_length=512,
        description="Only reviews of this product; one that is not stored is a 404.",
    ),
]
Category = Annotated[
    PlainText | None,
    Query(
        max_length=512,
        description="Only products of this category, word for word, and their reviews; empty:"
        " those without a category.",
    ),
]
Source = Annotated[
    PlainText | None,
    Query(
        max_length=512,
        description="Only reviews from this family of dumps, such as `amazon2023`; `GET /segments`"
        " with `by=source` lists them.",
    ),
]
Language = Annotated[
    str | None,
    Query(
        pattern="^[a-z]{2,3}$",
        description="Only reviews in this language: an ISO 639-1 code such as `de`, or `und` for"
        " texts that are too short to decide.",
    ),
]
FirstDay = Annotated[
    Day | None,
    Query(
        alias="from",
        description="First day in UTC, such as 2026-03-14, inclusive; reviews without a date are"
        " left out. Not after `to`.",
    ),
]
LastDay = Annotated[
    Day | None,
    Query(
        alias="to",
        description="Last day in UTC, such as 2026-03-31, inclusive; reviews without a date are"
        " left out.",
    ),
]


def check_days(first_day: date | None, last_day: date | None) -> None:
    """Raise InvalidInputError unless the days are in order."""
    if first_day and last_day and first_day > last_day:
        raise InvalidInputError("from must not be after to", details={"field": "from"})


def check_ratings(min_rating: float | None, max_rating: float | None) -> None:
    """Raise InvalidInputError unless the ratings are in order."""
    if min_rating and max_rating and min_rating > max_rating:
        message = "min_rating must not be above max_rating"
        raise InvalidInputError(message, details={"field": "min_rating"})


def check_aspect(aspect: str | None, aspect_sentiment: Sentiment | None) -> None:
    """Raise InvalidInputError if a sentiment is asked for and no aspect that it is about."""
    if aspect_sentiment and not aspect:
        raise InvalidInputError(
            "aspect_sentiment needs an aspect", details={"field": "aspect_sentiment"}
        )


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
                Query(
                    max_length=512,
                    description=f"Only products with this {name}, word for word; empty: products"
                    f" without a {name}.",
                ),
            ],
        )
        for name in ProductFacts.model_fields
    ]
    read.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return read


read_product_facts = _facts_reader()
