"""Answers in the format that a request asks for: JSON, CSV or lines of JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from shared.schemas.tables import (
    BYTE_ORDER_MARK,
    MEDIA_TYPES,
    TableFormat,
    csv_lines,
    ndjson_lines,
)

_ACCEPTED: dict[str, TableFormat] = {
    "application/json": "json",
    "text/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
}
TABLE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        }
    }
}
"""What the API's document says of a route with tables, beside its JSON."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for."""

    format: TableFormat
    path: str
    query: str

    def answer(
        self,
        page: BaseModel,
        entries: Sequence[BaseModel],
        model: type[BaseModel],
        cursor: str | None,
    ) -> Any:
        """The page itself for JSON, else its entries as a table.

        Args:
            page: the answer.
            entries: its list.
            model: what the list has; it gives the columns.
            cursor: where the next page begins; it goes into the header ``Link``.
        """
        if self.format == "json":
            return page
        if self.format == "csv":
            body = BYTE_ORDER_MARK + "".join(csv_lines(entries, model))
        else:
            body = "".join(ndjson_lines(entries))
        headers = {"vary": "accept"}
        if cursor is not None:
            headers["link"] = f'<{self._next(cursor)}>; rel="next"'
        return Response(body, media_type=MEDIA_TYPES[self.format], headers=headers)

    def _next(self, cursor: str) -> str:
        """Path and query of the next page in the same format."""
        sent = parse_qsl(self.query, keep_blank_values=True)
        kept = [(name, value) for name, value in sent if name not in ("cursor", "format")]
        query = urlencode([*kept, ("format", self.format), ("cursor", cursor)])
        return f"{quote(self.path)}?{query}"


def read_wanted(
    request: Request,
    format: Annotated[  # noqa: A002 - the name of the parameter
        TableFormat | None,
        Query(
            description="`csv`: a table with a header line, for spreadsheets; `ndjson`: one JSON"
            " object a line. The header `Link` then has the next page. Absent: what the header"
            " `Accept` names, JSON by default."
        ),
    ] = None,
) -> Wanted:
    """Read the wanted format from the query, or from the header ``Accept``."""
    chosen = format or _accepted(request.headers.get("accept", ""))
    return Wanted(chosen, request.url.path, request.url.query)


Table = Annotated[Wanted, Depends(read_wanted)]


def _accepted(header: str) -> TableFormat:
    """The first known media type of the largest weight; JSON if there is none."""
    best: tuple[float, TableFormat] = (0.0, "json")
    for part in header[:1000].split(","):
        kind, *parameters = (each.strip().lower() for each in part.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        known = _ACCEPTED.get(kind)
        if known is not None and _weight(weight) > best[0]:
            best = (_weight(weight), known)
    return best[1]


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
