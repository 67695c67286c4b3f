"""Corrects FastAPI's OpenAPI document to describe what the services return."""

from typing import Any

from pydantic import BaseModel

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
_BODY_ERRORS = {
    "400": "The body is not valid JSON.",
    "413": "The body is too large.",
    "415": "The content type is not JSON.",
}
_INVALID = "A parameter or a field of the body is invalid."
_NOT_FOUND = "What the path or a parameter names does not exist."
_UNAVAILABLE = "A dependency does not respond; retry after `Retry-After` seconds."
_NAMES_ONE = frozenset({"product_id", "ingest_id", "training_id", "exclusion_id"})
"""Parameters that name one thing, which may not exist."""


def own_errors(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Error responses of a route whose errors have a shape of their own."""
    return {
        "4XX": {"model": model, "description": "The request was refused."},
        "5XX": {"model": model, "description": _SERVER_ERROR["description"]},
    }


def correct_document(document: dict[str, Any]) -> dict[str, Any]:
    """Correct a service's document in place and return it.

    Problems get their own media type: FastAPI supports only one for all responses. The summary of
    a route becomes the first line of its docstring instead of the function's name.
    """
    for path in document["paths"].values():
        for operation in path.values():
            _summarise(operation)
            for parameter in operation.get("parameters", ()):
                if text := parameter["schema"].pop("description", ""):
                    parameter.setdefault("description", text)
            responses = operation["responses"]
            if _has_own_errors(responses):
                continue
            for status, description in _expected_errors(operation).items():
                responses.setdefault(status, {"description": description})
            for status, response in responses.items():
                if status in PROBLEM_RESPONSES or "content" not in response:
                    response["content"] = {MEDIA_TYPE: {"schema": _PROBLEM_SCHEMA}}
    return document


def _has_own_errors(responses: dict[str, Any]) -> bool:
    content = responses["4XX"]["content"]
    return all(each["schema"] != _PROBLEM_SCHEMA for each in content.values())


def _expected_errors(operation: dict[str, Any]) -> dict[str, str]:
    """The errors that an operation returns: status → description."""
    errors = dict(_BODY_ERRORS) if "requestBody" in operation else {}
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if names or errors:
        errors["422"] = _INVALID
    if names & _NAMES_ONE:
        errors["404"] = _NOT_FOUND
    return errors | {"503": _UNAVAILABLE}


def _summarise(operation: dict[str, Any]) -> None:
    first, _, rest = str(operation.pop("description", "")).partition("\n")
    if first:
        operation["summary"] = first.rstrip(".")
    if rest.strip():
        operation["description"] = rest.strip()
