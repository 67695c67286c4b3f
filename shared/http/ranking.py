"""Pages of a ranking: the reviews of an index that are most similar to a text or a picture.

A cursor names the request and the index that it continues, because with another one the pages
would not fit together.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter

from shared.errors import InvalidInputError
from shared.http.cursor import decode_cursor, encode_cursor
from shared.http.fitting import fit_page
from shared.schemas.search import SearchFilters

_POSITION: TypeAdapter[tuple[str, str, int]] = TypeAdapter(tuple[str, str, int])
_Result = TypeVar("_Result", bound=BaseModel)


class Ranking:
    """One ranking, of one request and one index."""

    def __init__(
        self,
        text: str | None,
        top_k: int,
        filters: SearchFilters | None,
        index_version: str,
        picture: str = "",
    ) -> None:
        """Identify a ranking.

        Args:
            text: the text of the request.
            top_k: how many reviews it asks for.
            filters: its filters.
            index_version: the index that is searched.
            picture: SHA-256 of the picture that is searched for; empty: none.
        """
        chosen = filters.model_dump(mode="json", exclude_none=True) if filters else {}
        parts = json.dumps([text, top_k, chosen, picture], sort_keys=True)
        self._request = sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self._index = index_version

    def page(self, rest: Sequence[_Result], start: int = 0) -> tuple[list[_Result], str | None]:
        """The first results that fit into an answer, and the cursor of the next page.

        Args:
            rest: results of the ranking.
            start: place of the first of them in it.
        """
        page, has_more = fit_page(rest, len(rest))
        return page, self._cursor(start + len(page)) if has_more else None

    def _cursor(self, start: int) -> str:
        return encode_cursor(_POSITION, (self._request, self._index, start))

    def start(self, cursor: str | None) -> int:
        """The place in the ranking from which a cursor goes on; 0 without one.

        Raises:
            InvalidInputError: the cursor continues another request or another index.
        """
        if not cursor:
            return 0
        request, index, start = decode_cursor(_POSITION, cursor)
        if request != self._request:
            message = "the cursor was returned for another text, picture, top_k or filters"
        elif index != self._index:
            message = "the index was replaced since: send the request without the cursor"
        elif start < 0:
            message = "the cursor was not returned by this route"
        else:
            return start
        raise InvalidInputError(message, details={"field": "cursor"})
