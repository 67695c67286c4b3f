"""Errors of the client. Every fault of an API is an ApiError; nothing of httpx gets out."""

from collections.abc import Sequence
from http import HTTPStatus

from pydantic import ValidationError

from shared.schemas.api import FieldError, Problem

_NO_ROUTE = "route_not_found"


class ApiError(Exception):
    """Base of all errors of the client; ``message`` names the call."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConnectionFailedError(ApiError):
    """No answer arrived; ``was_sent`` is False where the request cannot have reached the API."""

    def __init__(self, message: str, *, was_sent: bool = True) -> None:
        super().__init__(message)
        self.was_sent = was_sent


class ApiTimeoutError(ConnectionFailedError):
    """No answer arrived in time."""


class InvalidAnswerError(ApiError):
    """The answer is too long, is not JSON, or lacks a documented field."""


class SigningError(ApiError):
    """The request cannot be signed."""


class UploadError(ApiError):
    """The file was not uploaded: it is not acceptable, or the bucket refused it."""


class StatusError(ApiError):
    """The API answered with an error.

    ``code`` and ``detail`` are those of its problem details (RFC 9457), ``errors`` names invalid
    fields, ``retry_after`` is the number of seconds that the API asks to wait.
    """

    def __init__(
        self, message: str, *, status: int, problem: Problem | None, retry_after: float | None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = problem.code if problem else None
        self.detail = problem.detail if problem else ""
        self.errors: Sequence[FieldError] = (problem.errors or []) if problem else []
        self.retry_after = retry_after


class RequestRejectedError(StatusError):
    """The request is invalid (400, 413, 422 and other statuses without a class of their own)."""


class AuthenticationError(StatusError):
    """The credentials are missing or invalid (401)."""


class PermissionDeniedError(StatusError):
    """The key or the signature does not permit this call (403)."""


class NotFoundError(StatusError):
    """The requested product, ingest or training does not exist (404)."""


class MissingRouteError(StatusError):
    """The API does not have this route (404 or 405): its version differs, or the URL is wrong."""


class ConflictError(StatusError):
    """The state of the resource does not permit this call (409)."""


class RateLimitedError(StatusError):
    """Too many requests, or the quota of the key is used up (429)."""


class ServerError(StatusError):
    """The API failed or is not available (5xx)."""


_BY_STATUS: dict[int, type[StatusError]] = {
    HTTPStatus.UNAUTHORIZED: AuthenticationError,
    HTTPStatus.FORBIDDEN: PermissionDeniedError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.METHOD_NOT_ALLOWED: MissingRouteError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimitedError,
}


def status_error(name: str, status: int, body: bytes, retry_after: float | None) -> StatusError:
    """The error for an answer.

    Args:
        name: of the call.
        status: HTTP status of the answer.
        body: problem details, as a rule; any other body is left out of the message.
        retry_after: seconds that the API asks to wait.
    """
    try:
        problem = Problem.model_validate_json(body)
    except ValidationError:
        problem = None
    kind = _BY_STATUS.get(status, RequestRejectedError)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = ServerError
    elif status == HTTPStatus.NOT_FOUND and (problem is None or problem.code == _NO_ROUTE):
        kind = MissingRouteError
    reason = f"{problem.detail} ({status} {problem.code})" if problem else f"HTTP {status}"
    return kind(f"{name}: {reason}", status=status, problem=problem, retry_after=retry_after)
