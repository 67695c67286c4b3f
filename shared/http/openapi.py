"""Corrects FastAPI's OpenAPI document to describe what the services return."""

from typing import Any

from shared.http.problems import MEDIA_TYPE
from shared.schemas.api import Problem

_PROBLEM_SCHEMA = {"$ref": f"#/components/schemas/{Problem.__name__}"}
_CLIENT_ERROR = {
    "model": Problem,
    "description": "The request was refused; `code` says why.",
}
_SERVER_ERROR = {"model": Problem, "description": "The service is not available or failed."}
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": _CLIENT_ERROR,
    "5XX": _SERVER_ERROR,
}
"""Error responses of every route. With 4XX among them, FastAPI does not add its own 422."""


def correct_document(document: dict[str, Any]) -> dict[str, Any]:
    """Correct a service's document in place and return it.

    Problems get their own media type: FastAPI supports only one for all responses. The summary of
    a route becomes the first line of its docstring instead of the function's name.
    """
    for path in document["paths"].values():
        for operation in path.values():
            _summarise(operation)
            for status in PROBLEM_RESPONSES:
                operation["responses"][status]["content"] = {
                    MEDIA_TYPE: {"schema": _PROBLEM_SCHEMA}
                }
    return document


def _summarise(operation: dict[str, Any]) -> None:
    first, _, rest = str(operation.pop("description", "")).partition("\n")
    if first:
        operation["summary"] = first.rstrip(".")
    if rest.strip():
        operation["description"] = rest.strip()
