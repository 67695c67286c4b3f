"""API Gateway's own error responses, in the format of the services: problem+json (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aws_cdk import aws_apigateway as apigateway

from shared.schemas.cors import EXPOSED_HEADERS

_MEDIA_TYPE = "'application/problem+json'"
_UNSIGNED = "No such route, or the route requires a request signed with AWS Signature Version 4."
_DENIED = "The signature is invalid, or the caller lacks permission."
_INTERNAL = "The gateway could not call the service; the failure was logged."

RESPONSES: dict[str, tuple[int, str, str]] = {
    "ACCESS_DENIED": (403, "forbidden", _DENIED),
    "API_CONFIGURATION_ERROR": (500, "internal_error", _INTERNAL),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "internal_error", _INTERNAL),
    "AUTHORIZER_FAILURE": (500, "internal_error", _INTERNAL),
    "BAD_REQUEST_BODY": (422, "invalid_input", "$context.error.validationErrorString"),
    "BAD_REQUEST_PARAMETERS": (422, "invalid_input", "$context.error.validationErrorString"),
    "EXPIRED_TOKEN": (403, "forbidden", "The caller's credentials have expired."),
    "INTEGRATION_FAILURE": (503, "unavailable", "The service did not answer; try again."),
    "INTEGRATION_TIMEOUT": (504, "unavailable", "The service did not answer within 29 s."),
    "INVALID_API_KEY": (403, "forbidden", "Send a valid API key in the x-api-key header."),
    "INVALID_SIGNATURE": (403, "forbidden", _DENIED),
    "MISSING_AUTHENTICATION_TOKEN": (403, "forbidden", _UNSIGNED),
    "QUOTA_EXCEEDED": (429, "quota_exceeded", "The key has used its daily quota."),
    "REQUEST_TOO_LARGE": (413, "too_large", "The request is larger than 10 MB."),
    "RESOURCE_NOT_FOUND": (404, "route_not_found", "No such route."),
    "THROTTLED": (429, "throttled", "Too many requests; try again later."),
    "UNAUTHORIZED": (401, "unauthorized", "The request is not signed."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported_media_type", "Send the body as application/json."),
    "WAF_FILTERED": (403, "filtered", "The request was blocked as a possible attack."),
}
"""Response type → status, ``code`` and ``detail``."""
_RETRYABLE = {"INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "THROTTLED"}
_DEFAULTS = {
    "DEFAULT_4XX": ("request_refused", "The gateway rejected the request."),
    "DEFAULT_5XX": ("internal_error", _INTERNAL),
}
"""Defaults for all other response types, which keep their status."""


def problem(status: int | None, code: str, detail: str, **members: str) -> str:
    """The JSON text of a problem; without a status, its title is generic."""
    head: dict[str, Any] = {"type": "about:blank"}
    if status is not None:
        head |= {"title": HTTPStatus(status).phrase, "status": status}
    else:
        head |= {"title": "Request failed"}
    return json.dumps({**head, "detail": detail, "code": code, **members})


def add_problem_responses(api: apigateway.RestApi, origins: Sequence[str] = ()) -> None:
    """Format the gateway's own responses as problems.

    Only the validator's message contains parts of the request, and API Gateway escapes it.
    ``instance`` is the request id in the access log.

    Args:
        api: the API.
        origins: origins of pages that may read them. API Gateway cannot choose one of several, and
            then lets all pages read them: they say nothing but why this request was refused.
    """
    headers = {"Content-Type": _MEDIA_TYPE}
    if origins:
        headers["Access-Control-Allow-Origin"] = f"'{origins[0] if len(origins) == 1 else '*'}'"
        headers["Access-Control-Expose-Headers"] = f"'{', '.join(EXPOSED_HEADERS)}'"
    for kind, (status, code, detail) in RESPONSES.items():
        _add_response(api, kind, status, code, detail, headers)
    for kind, (code, detail) in _DEFAULTS.items():
        _add_response(api, kind, None, code, detail, headers)


def _add_response(
    api: apigateway.RestApi,
    kind: str,
    status: int | None,
    code: str,
    detail: str,
    headers: Mapping[str, str],
) -> None:
    retry = {"Retry-After": "'5'"} if kind in _RETRYABLE else {}
    body = problem(status, code, detail, instance="urn:uuid:$context.requestId")
    api.add_gateway_response(
        f"Problem-{kind}",
        type=apigateway.ResponseType.of(kind),
        status_code=None if status is None else str(status),
        response_headers={**headers, **retry},
        templates={"application/json": body},
    )
