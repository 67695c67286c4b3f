"""The material of a report: answers of the API, and the scope they were requested for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias, TypedDict, TypeVar

from reviewlens import (
    InvalidAnswerError,
    MissingRouteError,
    PermissionDeniedError,
)
from reviewlens.models import (
    AspectList,
    DuplicatePage,
    Figures,
    Mover,
    OneProduct,
    Product,
    StoredReview,
    Trend,
)


class ReportError(Exception):
    """There is nothing to report on; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Filters(TypedDict, total=False):
    """Filters for the reviews of a report."""

    product_id: str
    category: str
    first_day: date
    last_day: date


@dataclass(frozen=True)
class Scope:
    """The subject of a report: one product, one category, or everything; days are inclusive."""

    product_id: str | None = None
    category: str | None = None
    first_day: date | None = None
    last_day: date | None = None

    @property
    def filters(self) -> Filters:
        """Filters for its reviews."""
        filters = Filters()
        if self.product_id is not None:
            filters["product_id"] = self.product_id
        if self.category is not None:
            filters["category"] = self.category
        if self.first_day is not None:
            filters["first_day"] = self.first_day
        if self.last_day is not None:
            filters["last_day"] = self.last_day
        return filters


@dataclass(frozen=True)
class Missing:
    """A part that is not available, and the reason."""

    reason: str


_T = TypeVar("_T")
Part: TypeAlias = _T | Missing


def available(request: Callable[[], _T]) -> Part[_T]:
    """The result of a request, or why this API does not give it.

    Raises:
        ApiError: the API does not answer, or rejects the request.
    """
    try:
        return request()
    except (MissingRouteError, PermissionDeniedError, InvalidAnswerError) as error:
        return Missing(f"The API does not provide it. {error.message}.")


@dataclass(frozen=True)
class Ratings:
    """Number of reviews for each number of stars, among the ``read`` newest reviews.

    ``more``: there are reviews beyond those that were read.
    """

    counts: dict[int, int]
    read: int
    unrated: int
    more: bool


@dataclass(frozen=True)
class Selected:
    """Reviews chosen from ``read`` reviews; ``more``: there are others that were not read."""

    reviews: list[StoredReview]
    read: int
    more: bool


@dataclass(frozen=True)
class Group:
    """Figures of a category or a source; products without a category have no name."""

    name: str | None
    figures: Figures


@dataclass(frozen=True)
class Material:
    """The complete content of a report."""

    scope: Scope
    made_at: datetime
    product: OneProduct | None
    trends: Part[Trend]
    proof: Part[Selected]
    movers: Part[list[Mover]]
    aspects: Part[AspectList]
    ratings: Part[Ratings]
    worst: Part[Selected]
    best: Part[Selected]
    mismatches: Part[Selected]
    duplicates: Part[DuplicatePage]
    categories: Part[list[Group]]
    sources: Part[list[Group]]
    largest: Part[list[Product]]
    weakest: Part[list[Product]]
