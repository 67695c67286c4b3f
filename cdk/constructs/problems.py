"""Gateway responses of API Gateway, in the format of the services: problem+json (RFC 9457)."""

import json
from http import HTTPStatus
from typing import Any

from aws_cdk import aws_apigateway as apigateway

_MEDIA_TYPE = "'application/problem+json'"
_SIGNED = "No such route, or the route requires a request signed with AWS Signature Version 4."
_REFUSED = "The signature is invalid, or the caller lacks permission."
_BUG = "The gateway could not call the service; the failure was logged."

RESPONSES: dict[str, tuple[int, str, str]] = {
    "ACCESS_DENIED": (403, "forbidden", _REFUSED),
    "API_CONFIGURATION_ERROR": (500, "internal_error", _BUG),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "internal_error", _BUG),
    "AUTHORIZER_FAILURE": (500, "internal_error", _BUG),
    "BAD_REQUEST_BODY": (422, "invalid_input", "$context.error.validationErrorString"),
    "BAD_REQUEST_PARAMETERS": (422, "invalid_input", "$context.error.validationErrorString"),
    "EXPIRED_TOKEN": (403, "forbidden", "The caller's credentials have expired."),
    "INTEGRATION_FAILURE": (503, "unavailable", "The service did not answer; try again."),
    "INTEGRATION_TIMEOUT": (504, "unavailable", "The service did not answer within 29 s."),
    "INVALID_API_KEY": (403, "forbidden", "Send a valid key in the header x-api-key."),
    "INVALID_SIGNATURE": (403, "forbidden", _REFUSED),
    "MISSING_AUTHENTICATION_TOKEN": (403, "forbidden", _SIGNED),
    "QUOTA_EXCEEDED": (429, "quota_exceeded", "The key has used its daily quota."),
    "REQUEST_TOO_LARGE": (413, "too_large", "The request is larger than 10 MB."),
    "RESOURCE_NOT_FOUND": (404, "route_not_found", "No such route."),
    "THROTTLED": (429, "throttled", "Too many requests; try again later."),
    "UNAUTHORIZED": (401, "unauthorized", "The request is not signed."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported_media_type", "Send application/json."),
    "WAF_FILTERED": (403, "filtered", "The request was blocked as a possible attack."),
}
"""Response type → status, ``code`` and ``detail``. Other types keep their own status."""
_WAIT = {"INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "THROTTLED"}
_OTHERS = {
    "DEFAULT_4XX": ("request_refused", "The gateway refused the request."),
    "DEFAULT_5XX": ("internal_error", _BUG),
}


def problem(status: int | None, code: str, detail: str, **more: str) -> str:
    """The JSON text of a problem; without a status, its title is generic."""
    named: dict[str, Any] = {"type": "about:blank"}
    if status is not None:
        named |= {"title": HTTPStatus(status).phrase, "status": status}
    else:
        named |= {"title": "Request failed"}
    return json.dumps({**named, "detail": detail, "code": code, **more})


def answer_as_problems(api: apigateway.RestApi) -> None:
    """Give the gateway's own responses the form of a problem.

    Only the validator's message comes from the request; API Gateway escapes it. ``instance`` is
    the id under which the access log has the request.
    """
    for kind, (status, code, detail) in RESPONSES.items():
        _add(api, kind, status, code, detail)
    for kind, (code, detail) in _OTHERS.items():
        _add(api, kind, None, code, detail)


def _add(api: apigateway.RestApi, kind: str, status: int | None, code: str, detail: str) -> None:
    headers = {"Content-Type": _MEDIA_TYPE}
    if kind in _WAIT:
        headers["Retry-After"] = "'5'"
    text = problem(status, code, detail, instance="urn:uuid:$context.requestId")
    api.add_gateway_response(
        f"Problem-{kind}",
        type=apigateway.ResponseType.of(kind),
        status_code=None if status is None else str(status),
        response_headers=headers,
        templates={"application/json": text},
    )
