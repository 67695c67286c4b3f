"""HTTP routes of exclusions."""

from collections.abc import Callable
from typing import Annotated

from fastapi import FastAPI, Path, Query
from pydantic import TypeAdapter

from lambdas.collection.dependencies import Dependencies
from lambdas.collection.exclude.requests import (
    end_exclusion,
    exclude_product,
    exclude_reviewer,
    require_exclusion,
)
from shared.db.ingest.exclusions import list_exclusions
from shared.http.cursor import decode_cursor, encode_cursor
from shared.http.fitting import fit_page
from shared.schemas.exclusions import Exclusion, ExclusionList
from shared.schemas.values import QUERY_INTEGER, QueryCursor

_CURSOR: TypeAdapter[str] = TypeAdapter(str)
ExclusionId = Annotated[
    str,
    Path(
        max_length=64,
        examples=["exc_0123456789abcdef01234567"],
        description="Id of an exclusion, as GET /exclusions returns it. An unknown one is a 404.",
    ),
]
_NO_ID = "One that dumps write for a missing value, such as `null`, is refused."


def add_exclusion_routes(app: FastAPI, dependencies: Callable[[], Dependencies]) -> None:
    """Add DELETE /reviewers/{reviewer_id} and /products/{product_id}, and /exclusions."""

    @app.delete("/reviewers/{reviewer_id:path}", status_code=202, tags=["collection"])
    def forget_reviewer(
        reviewer_id: Annotated[
            str, Path(description=f"Id of the reviewer as dumps write it. {_NO_ID}")
        ],
    ) -> Exclusion:
        """Remove the reviews of a reviewer, and leave them out of every later dump.

        The work is done in the background. Repeating the request changes nothing and returns how
        far it is. Only a keyed hash of the id is stored.
        """
        return exclude_reviewer(dependencies(), reviewer_id).shown()

    @app.delete("/products/{product_id:path}", status_code=202, tags=["collection"])
    def forget_product(
        product_id: Annotated[
            str, Path(description=f"Id of the product as dumps write it. {_NO_ID}")
        ],
    ) -> Exclusion:
        """Remove a product with its reviews, and leave it out of every later dump.

        The work is done in the background. Repeating the request changes nothing and returns how
        far it is.
        """
        return exclude_product(dependencies(), product_id).shown()

    @app.get("/exclusions", tags=["collection"])
    def exclusions(
        limit: Annotated[
            int,
            Query(ge=1, le=200, description="Most exclusions of the answer, 1 to 200."),
            QUERY_INTEGER,
        ] = 50,
        cursor: QueryCursor = None,
    ) -> ExclusionList:
        """List the excluded reviewers and products, newest first, with their receipts.

        Exclusions that were ended are not listed.
        """
        after = decode_cursor(_CURSOR, cursor) if cursor else None
        listed = list_exclusions(dependencies().database, limit + 1, after)
        page, has_more = fit_page([each.shown() for each in listed], limit)
        last = encode_cursor(_CURSOR, page[-1].exclusion_id) if has_more else None
        return ExclusionList(exclusions=page, next_cursor=last)

    @app.get("/exclusions/{exclusion_id}", tags=["collection"])
    def exclusion(exclusion_id: ExclusionId) -> Exclusion:
        """One exclusion, with its receipt.

        The receipt grows while the rows are being removed.
        """
        return require_exclusion(dependencies(), exclusion_id).shown()

    @app.delete("/exclusions/{exclusion_id}", tags=["collection"])
    def end(exclusion_id: ExclusionId) -> Exclusion:
        """End an exclusion: dumps that are read from now on are stored with its rows.

        Nothing that was read before is read again. While its rows are being removed, it cannot be
        ended: the answer is a 409.
        """
        return end_exclusion(dependencies(), exclusion_id).shown()
