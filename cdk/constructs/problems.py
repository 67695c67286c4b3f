"""What API Gateway itself answers, said as the services say it: problem+json (RFC 9457)."""

import json
from http import HTTPStatus
from typing import Any

from aws_cdk import aws_apigateway as apigateway

_MEDIA_TYPE = "'application/problem+json'"
_SIGNED = "There is no such route, or it wants a request signed by AWS Signature Version 4."
_REFUSED = "The signature or the rights of the caller do not allow this."
_BUG = "The gateway could not ask the service; the failure was logged."

RESPONSES: dict[str, tuple[int, str, str]] = {
    "ACCESS_DENIED": (403, "forbidden", _REFUSED),
    "API_CONFIGURATION_ERROR": (500, "internal_error", _BUG),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "internal_error", _BUG),
    "AUTHORIZER_FAILURE": (500, "internal_error", _BUG),
    "BAD_REQUEST_BODY": (422, "invalid_input", "$context.error.validationErrorString"),
    "BAD_REQUEST_PARAMETERS": (422, "invalid_input", "$context.error.validationErrorString"),
    "EXPIRED_TOKEN": (403, "forbidden", "The caller's credentials have expired."),
    "INTEGRATION_FAILURE": (503, "unavailable", "The service gave no answer; ask again."),
    "INTEGRATION_TIMEOUT": (504, "unavailable", "The service did not answer within 29 s."),
    "INVALID_API_KEY": (403, "forbidden", "Send a valid key in the header x-api-key."),
    "INVALID_SIGNATURE": (403, "forbidden", _REFUSED),
    "MISSING_AUTHENTICATION_TOKEN": (403, "forbidden", _SIGNED),
    "QUOTA_EXCEEDED": (429, "quota_exceeded", "The key has used up its requests of today."),
    "REQUEST_TOO_LARGE": (413, "too_large", "The request is larger than 10 MB."),
    "RESOURCE_NOT_FOUND": (404, "route_not_found", "There is no such route."),
    "THROTTLED": (429, "throttled", "Too many requests at once; ask again later."),
    "UNAUTHORIZED": (401, "unauthorized", "The request says not who calls."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported_media_type", "Send application/json."),
    "WAF_FILTERED": (403, "filtered", "The request looks like an attack and was not passed on."),
}
"""Response type → status, ``code`` and ``detail``. Any other keeps the status of its kind."""
_WAIT = {"INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "THROTTLED"}
_OTHERS = {
    "DEFAULT_4XX": ("request_refused", "The gateway refused the request."),
    "DEFAULT_5XX": ("internal_error", _BUG),
}


def problem(status: int | None, code: str, detail: str, **more: str) -> str:
    """The JSON text of a problem; without a status it is named after none."""
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
