"""What FastAPI's OpenAPI document says differently from what the services send, put right."""

from typing import Any

from shared.http.problems import MEDIA_TYPE
from shared.schemas.api import Problem

_SCHEMA = {"$ref": f"#/components/schemas/{Problem.__name__}"}
_CLIENT = {"model": Problem, "description": "The request cannot be answered; `code` says why."}
_SERVER = {"model": Problem, "description": "The service cannot answer now, or failed."}
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {"4XX": _CLIENT, "5XX": _SERVER}
"""Responses of every route. That 4XX is among them keeps FastAPI's own 422 out."""


def tidied(document: dict[str, Any]) -> dict[str, Any]:
    """Change a service's document in place, and return it.

    Problems come under their own media type, where FastAPI knows one for all responses. The first
    line of a route's docstring is its summary, where FastAPI takes the function's name.
    """
    for path in document["paths"].values():
        for operation in path.values():
            _summarise(operation)
            for status in PROBLEM_RESPONSES:
                operation["responses"][status]["content"] = {MEDIA_TYPE: {"schema": _SCHEMA}}
    return document


def _summarise(operation: dict[str, Any]) -> None:
    first, _, rest = str(operation.pop("description", "")).partition("\n")
    if first:
        operation["summary"] = first.rstrip(".")
    if rest.strip():
        operation["description"] = rest.strip()
