"""Copied reviews: GET /duplicates."""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Literal

from fastapi import FastAPI, Query
from pydantic import BaseModel, Field, TypeAdapter

from lambdas.insights.cursor import decode_cursor, encode_cursor
from shared.db.connection import Database
from shared.db.duplicates.catalog import DuplicateCatalog
from shared.errors import InvalidInputError

Kind = Literal["exact", "near"]
_Big = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_PLACE: TypeAdapter[tuple[_Big, Kind, _Big]] = TypeAdapter(tuple[_Big, Kind, _Big])


class DuplicateGroup(BaseModel):
    """Reviews with the same text (``exact``), or nearly the same (``near``).

    ``text`` is what one of them says, at most 1,000 characters; ``review_ids`` are at most 20.
    ``reviewers`` are those that can be told apart.
    """

    kind: Kind
    text: str | None
    reviews: int
    products: int
    reviewers: int
    first_day: date | None
    last_day: date | None
    review_ids: list[str]


class DuplicatePage(BaseModel):
    """Groups with most reviews first; ``next_cursor`` asks for the following page."""

    groups: list[DuplicateGroup]
    next_cursor: str | None


def add_routes(app: FastAPI, needed: Callable[[], Database]) -> None:
    """Add GET /duplicates."""

    @app.get("/duplicates", tags=["insights"])
    def duplicates(
        product_id: Annotated[str | None, Query(max_length=512)] = None,
        kind: Kind | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=2048)] = None,
    ) -> DuplicatePage:
        """Groups of reviews with the same or nearly the same text."""
        if product_id and "\0" in product_id:
            raise InvalidInputError("product_id holds a NUL", details={"field": "product_id"})
        after = decode_cursor(_PLACE, cursor) if cursor else None
        catalog = DuplicateCatalog(needed())
        rows = catalog.groups(product_id, kind, limit + 1, after)
        last = rows[limit - 1] if len(rows) > limit else None
        place = (last["reviews"], last["kind"], last["fingerprint"]) if last else None
        fields = DuplicateGroup.model_fields
        return DuplicatePage(
            groups=[DuplicateGroup(**{name: row[name] for name in fields}) for row in rows[:limit]],
            next_cursor=encode_cursor(_PLACE, place) if place else None,
        )
