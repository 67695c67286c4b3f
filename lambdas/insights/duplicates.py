"""Copied reviews: GET /duplicates."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import Field, TypeAdapter

from lambdas.insights.cursor import decode_cursor, encode_cursor
from shared.db.connection import Database
from shared.db.duplicates.catalog import DuplicateCatalog
from shared.errors import InvalidInputError
from shared.schemas.duplicates import DuplicateGroup, DuplicateKind, DuplicatePage

_Big = Annotated[int, Field(ge=-(2**63), lt=2**63)]
_PLACE: TypeAdapter[tuple[_Big, DuplicateKind, _Big]] = TypeAdapter(
    tuple[_Big, DuplicateKind, _Big]
)


def add_routes(app: FastAPI, needed: Callable[[], Database]) -> None:
    """Add GET /duplicates."""

    @app.get("/duplicates", tags=["insights"])
    def duplicates(
        product_id: Annotated[str | None, Query(max_length=512)] = None,
        kind: DuplicateKind | None = None,
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
