"""Asks the API for the parts of a report, each within bounds, and tells what it does not answer."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ValidationError

from local.errors import LocalStackError, RefusedError
from reports.data import Missing, Part, Review, Reviews, Selected

PAGE = 200
"""Most that the API gives at once."""
_NOT_SERVED = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)

_Answer = TypeVar("_Answer", bound=BaseModel)


class Client(Protocol):
    """Whoever can ask the API."""

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a GET; raises LocalStackError."""
        ...


class Source:
    """The API as a report reads it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._mismatches: bool | None = None

    def ask(self, kind: type[_Answer], path: str, **parameters: Any) -> Part[_Answer]:
        """One answer, or why there is none: an older server lacks routes that newer ones have.

        Raises:
            LocalStackError: the server does not answer, or refuses the question.
        """
        try:
            body = self._client.get(path, **parameters)
        except RefusedError as error:
            if error.status not in _NOT_SERVED:
                raise
            return Missing(f"This server has no {path}.")
        return _read(kind, path, body)

    def linked(self, link: str, *, limit: int = PAGE) -> Part[Reviews]:
        """The reviews that a figure's link lists; errors as for ``ask``."""
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or not parts.path.startswith("/"):
            return Missing("The link to these reviews leads away from the API.")
        query = dict(parse_qsl(parts.query)) | {"limit": limit}
        return self.ask(Reviews, parts.path, **query)

    def newest(self, filters: dict[str, str], *, most: int) -> Part[Selected]:
        """The newest reviews, at most so many; errors as for ``ask``."""
        found: list[Review] = []
        cursor: str | None = None
        for page in self._pages(filters, most):
            if isinstance(page, Missing):
                return page
            found += page.reviews
            cursor = page.next_cursor
        return Selected(found[:most], len(found[:most]), more=cursor is not None)

    def _pages(self, filters: dict[str, str], most: int) -> Iterator[Part[Reviews]]:
        cursor: str | None = None
        for _ in range(0, most, PAGE):
            after = {"cursor": cursor} if cursor else {}
            page = self.ask(Reviews, "/reviews", **filters, **after, limit=min(PAGE, most))
            yield page
            cursor = None if isinstance(page, Missing) else page.next_cursor
            if cursor is None:
                return

    def knows_mismatches(self) -> bool:
        """Whether /reviews has the filters of mismatches and categories.

        A server that does not know a filter passes over it and lists other reviews: they would
        stand in the report as what they are not.
        """
        if self._mismatches is None:
            reviews = self._client.get("/reviews", limit=1).get("reviews") or []
            self._mismatches = not reviews or "mismatch" in reviews[0]
        return self._mismatches

    def knows_categories(self) -> bool:
        """Whether /products has its filters; why that matters is told above."""
        products = self._client.get("/products", limit=1).get("products") or []
        return not products or "net_sentiment" in products[0]


def _read(kind: type[_Answer], path: str, body: Any) -> Part[_Answer]:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        told = f"This server's {path} answers in a form that is not known here ({place})."
        return Missing(told, answered=True)


def known(part: Part[_Answer]) -> _Answer:
    """A part without which there is no report.

    Raises:
        LocalStackError: the server does not tell it.
    """
    if isinstance(part, Missing):
        raise LocalStackError(part.reason)
    return part
