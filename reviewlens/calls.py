"""A call describes one request and the type of its answer; no call sends anything by itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Any, Generic, Literal, Self, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

AnswerT = TypeVar("AnswerT", bound=BaseModel)
PageT = TypeVar("PageT", bound=BaseModel)
ItemT = TypeVar("ItemT")
Position = str | int
"""Where a page begins: the cursor, or the record number, that came with the page before."""


@dataclass(frozen=True, slots=True)
class Call(Generic[AnswerT]):
    """One request.

    ``route`` is the path as docs/openapi.json writes it; ``segments`` fills its parameters in.
    ``repeatable``: sending it twice has the effect of sending it once. ``signed``: an API on AWS
    requires a SigV4 signature. ``answers`` are error statuses that carry an answer nonetheless.
    ``listed`` is the list of an answer that is cut where it is too long for one answer; the client
    requests the rest of it, ``most`` entries in total.
    """

    method: Literal["GET", "POST", "DELETE"]
    route: str
    answer: type[AnswerT]
    segments: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    signed: bool = False
    answers: frozenset[int] = frozenset()
    listed: str | None = None
    most: int | None = None

    @property
    def name(self) -> str:
        """The call in messages, such as ``GET /products/{product_id}``."""
        return f"{self.method} {self.route}"

    @property
    def path(self) -> str:
        """The route with its parameters, percent-encoded so that no value changes the path."""
        return self.route.format(**{name: _segment(text) for name, text in self.segments.items()})

    @property
    def parameters(self) -> dict[str, str]:
        """The query; parameters that are None are left out."""
        return {name: _text(value) for name, value in self.query.items() if value is not None}

    def with_query(self, **query: Any) -> Self:
        """The same call with more query parameters."""
        return replace(self, query={**self.query, **query})

    def with_list(self, listed: str, most: int | None = None) -> Self:
        """The same call, whose answer has a list that may come in pieces."""
        return replace(self, listed=listed, most=most)


@dataclass(frozen=True, slots=True)
class PagedCall(Generic[PageT, ItemT]):
    """A call whose answer is one page, how to read the page, and how to request the next one.

    ``parameter`` is the query parameter that takes a position.
    """

    call: Call[PageT]
    items: Callable[[PageT], Sequence[ItemT]]
    following: Callable[[PageT], Position | None]
    parameter: str = "cursor"

    def at(self, position: Position | None) -> Call[PageT]:
        """The call for the page that begins at a position; None: the first page."""
        return self.call if position is None else self.call.with_query(**{self.parameter: position})


def get(
    answer: type[AnswerT], route: str, segments: Mapping[str, str] | None = None, **query: Any
) -> Call[AnswerT]:
    """A GET."""
    return Call("GET", route, answer, segments or {}, query)


def read(answer: type[AnswerT], route: str, body: Mapping[str, Any]) -> Call[AnswerT]:
    """A POST that changes nothing: the question is too long for a query."""
    return Call("POST", route, answer, body=body)


def start(
    answer: type[AnswerT],
    route: str,
    body: Mapping[str, Any] | None = None,
    **details: Any,
) -> Call[AnswerT]:
    """A POST that starts or stops work; ``details`` are further fields of Call."""
    return Call(
        "POST", route, answer, body=body, **{"repeatable": False, "signed": True, **details}
    )


def remove(answer: type[AnswerT], route: str, segments: Mapping[str, str]) -> Call[AnswerT]:
    """A DELETE, which changes nothing when it is repeated."""
    return Call("DELETE", route, answer, segments, signed=True)


def _segment(text: str) -> str:
    # "." and ".." would be resolved away
    return text.replace(".", "%2E") if not text.strip(".") else quote(text, safe="")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return str(value.value)
    return value.isoformat() if isinstance(value, date) else str(value)
