"""What went wrong, as one sentence for a visitor."""

import json
from http import HTTPStatus
from typing import Any

_MAX_DETAIL = 300
_NO_ROUTE = "route_not_found"


class ApiError(Exception):
    """The API did not give an answer; ``str`` is a sentence for people."""

    retryable = False


class UnreachableError(ApiError):
    """Nobody answers, or not now."""

    retryable = True


class MissingRouteError(ApiError):
    """This server has no such route: an older one, or one that the key does not open."""


class NotFoundError(ApiError):
    """There is no such thing."""


class RefusedError(ApiError):
    """The API does not take what was asked."""


def error_of(status: int, body: bytes, what: str) -> ApiError:
    """The error that an answer stands for.

    Args:
        status: its HTTP status.
        body: what it said, a problem (RFC 9457) as a rule.
        what: what was asked for, as in "This server does not offer …".
    """
    problem = _problem(body)
    code, detail = problem.get("code"), _sentence(problem.get("detail"))
    if status == HTTPStatus.NOT_FOUND and code not in (None, _NO_ROUTE):
        return NotFoundError(detail or "There is no such thing.")
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED}:
        return MissingRouteError(
            f"{what[:1].upper()}{what[1:]}: not available on this server (HTTP {status}). It may "
            "be an older one, or its key may not open this."
        )
    if status == HTTPStatus.UNAUTHORIZED:
        return RefusedError("The server wants to know who asks: the page's key is not the right.")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return UnreachableError("Too many questions at once. Please wait a moment and try again.")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return RefusedError("That is too long for the server. Please send less.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        told = detail if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
        return UnreachableError(
            f"The server cannot answer now. {told}".strip() + " Please try again in a moment."
        )
    return RefusedError(detail or f"The server refused the question (HTTP {status}).")


def _problem(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _sentence(detail: object) -> str:
    if not isinstance(detail, str) or not detail.strip():
        return ""
    told = " ".join(detail.split())[:_MAX_DETAIL]
    told = told[:1].upper() + told[1:]
    return told if told[-1] in ".!?…" else f"{told}."
