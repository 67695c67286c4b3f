"""What went wrong, as one sentence for a visitor."""

from http import HTTPStatus

from reviewlens import (
    ApiError,
    ApiTimeoutError,
    AuthenticationError,
    ConnectionFailedError,
    MissingRouteError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    SigningError,
    StatusError,
    UploadError,
)

_MAX_DETAIL = 300
_SENTENCES: dict[type[ApiError], str] = {
    ApiTimeoutError: "The server took too long. Please try again.",
    ConnectionFailedError: "The server cannot be reached. Please try again.",
    AuthenticationError: "The server does not accept the API key of this page.",
    PermissionDeniedError: "This is not available on this server: the key of this page does not "
    "permit it (HTTP 403).",
    MissingRouteError: "This is not available on this server (HTTP 404).",
    RateLimitedError: "Too many requests at once. Please wait a moment and try again.",
    SigningError: "This page cannot sign requests to the server.",
}
"""Errors whose details say nothing to a visitor; subclasses come first."""


class PageError(Exception):
    """The page cannot do what the visitor requested; the message is a sentence for the visitor."""


class NotReadyError(PageError):
    """The page's own server is still starting, or did not start."""


def describe(error: PageError | ApiError) -> str:
    """The error as a sentence that a visitor understands."""
    if isinstance(error, PageError | UploadError):
        return str(error)
    for kind, sentence in _SENTENCES.items():
        if isinstance(error, kind):
            return sentence
    if isinstance(error, StatusError):
        return _describe_status(error)
    return "The answer of the server cannot be understood."


def _describe_status(error: StatusError) -> str:
    detail = _sentence(error.detail)
    if isinstance(error, NotFoundError):
        return detail or "This does not exist."
    if isinstance(error, ServerError):
        reason = f" {detail}" if error.status == HTTPStatus.SERVICE_UNAVAILABLE and detail else ""
        return f"The server cannot answer now.{reason} Please try again in a moment."
    if error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return "This is too long for the server. Please send less."
    return detail or f"The server rejected the request (HTTP {error.status})."


def _sentence(detail: str) -> str:
    text = " ".join(detail.split())[:_MAX_DETAIL]
    text = text[:1].upper() + text[1:]
    return text if not text or text[-1] in ".!?…" else f"{text}."
