"""API Gateway events: strips base paths, and answers events that cannot be decoded."""

import logging
from typing import Any

from shared.http.problems import MEDIA_TYPE, problem

log = logging.getLogger(__name__)


def strip_base_path(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with the stage name or base path removed from its path.

    An HTTP API (payload 2.0) prefixes the path with the stage unless it is ``$default``. Both kinds
    of API prefix it with a custom domain's base path; the matched resource (REST, 1.0) or route
    (HTTP) shows its length.
    """
    context = event["requestContext"]
    if event.get("version") == "2.0":
        stage = context.get("stage", "$default")
        http = context["http"]
        path = _remove_prefix(http["path"], f"/{stage}") if stage != "$default" else http["path"]
        route = str(event.get("routeKey") or "").partition(" ")[2]
        path = _match_resource(path, route, event)
        return {**event, "requestContext": {**context, "http": {**http, "path": path}}}
    path = _match_resource(event.get("path") or "/", str(event.get("resource") or ""), event)
    return {**event, "path": path}


def _remove_prefix(path: str, prefix: str) -> str:
    if path == prefix:
        return "/"
    return path[len(prefix) :] if path.startswith(f"{prefix}/") else path


def _match_resource(path: str, resource: str, event: dict[str, Any]) -> str:
    """Remove the segments before those that match the resource."""
    if not resource.startswith("/"):
        return path
    if resource.endswith("+}"):
        name = resource[resource.rindex("{") + 1 : -2]
        proxied = (event.get("pathParameters") or {}).get(name)
        matched = f"{resource[: resource.rindex('/')]}/{proxied}"
        return matched if path.endswith(matched) else path
    pattern = resource.strip("/").split("/")
    segments = path.strip("/").split("/")
    for start in range(len(segments) - len(pattern) + 1):
        pairs = zip(pattern, segments[start:], strict=False)
        if all(part.startswith("{") or part == segment for part, segment in pairs):
            return "/" + "/".join(segments[start:])
    return path


def malformed_response(error: Exception) -> dict[str, Any]:
    """Response to an event whose body or headers cannot be decoded."""
    log.warning("an API Gateway event cannot be decoded", exc_info=error)
    body = problem(400, "malformed_request", "The request cannot be decoded.")
    return {
        "statusCode": body.status,
        "headers": {"content-type": MEDIA_TYPE},
        "body": body.model_dump_json(exclude_none=True),
        "isBase64Encoded": False,
    }
