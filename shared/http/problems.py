"""Problem responses (RFC 9457), and the handlers that turn exceptions into them."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from shared.errors import ReviewlensError
from shared.schemas.api import FieldError, Problem

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_MAX_FIELD_ERRORS = 20
_MAX_FIELD_CHARACTERS = 100
_CODES = {404: "route_not_found", 405: "method_not_allowed", 413: "too_large"}


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Create the response for a problem, with the problem's status."""
    return Response(
        problem.model_dump_json(exclude_none=True).encode("utf-8", "replace"),
        status_code=problem.status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def problem(
    status: int, code: str, detail: str, errors: Sequence[FieldError] | None = None
) -> Problem:
    """Create a problem titled with the phrase of its status."""
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        errors=list(errors) if errors else None,
    )


def unexpected_problem(error: BaseException) -> Problem:
    """Log an unexpected error; the problem only contains an id that refers to the log line."""
    reference = f"urn:uuid:{uuid.uuid4()}"
    log.error("unexpected error %s", reference, exc_info=error)
    response = problem(500, "internal_error", "The service failed; the failure was logged.")
    return response.model_copy(update={"instance": reference})


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Convert pydantic's errors to dotted field paths and messages, without submitted values."""
    converted = []
    for error in errors[:_MAX_FIELD_ERRORS]:
        location = [str(part) for part in error["loc"]]
        if len(location) > 1 and location[0] in {"body", "query", "path", "header"}:
            location = location[1:]
        message = str(error["msg"]).removeprefix("Value error, ")
        converted.append(
            FieldError(field=".".join(location)[:_MAX_FIELD_CHARACTERS], message=message)
        )
    return converted


async def _on_reviewlens_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ReviewlensError)  # noqa: S101 - registered for this class
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # an alarm counts lines of this level, and rolls back a release that increases them
        log.error("%s: %s", error.code, error.message)
    headers = {"Retry-After": "5"} if error.status == HTTPStatus.SERVICE_UNAVAILABLE else None
    field = error.details.get("field")
    errors = [FieldError(field=str(field), message=error.message)] if field else None
    return problem_response(problem(error.status, error.code, error.message, errors), headers)


async def _on_invalid_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    if any(entry.get("type") == "json_invalid" for entry in error.errors()):
        return problem_response(problem(400, "invalid_json", "The body is not valid JSON."))
    errors = field_errors(error.errors())
    detail = "; ".join(f"{entry.field}: {entry.message}" for entry in errors[:3])
    return problem_response(problem(422, "invalid_input", detail, errors))


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    code = _CODES.get(error.status_code, "request_refused")
    detail, headers = str(error.detail), error.headers
    if error.status_code in {404, 405}:
        detail = f"No route for {request.method} {request.url.path[:200]}"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_allowed_methods(request))}
    return problem_response(problem(error.status_code, code, detail), headers)


def _allowed_methods(request: Request) -> list[str]:
    """The methods of all routes of a path; Starlette names those of the first route alone."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    matching = [route for route in routes if route.matches(request.scope)[0] != Match.NONE]
    return sorted({method for route in matching for method in route.methods or ()})


def install_handlers(app: FastAPI) -> None:
    """Register handlers that turn every error of an app into a problem."""
    app.add_exception_handler(ReviewlensError, _on_reviewlens_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
