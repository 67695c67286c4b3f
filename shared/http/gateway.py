"""API Gateway events: the path as the routes know it, and an answer to one that cannot be read."""

import logging
from typing import Any

from shared.http.problems import MEDIA_TYPE, problem

log = logging.getLogger(__name__)


def normalised(event: dict[str, Any]) -> dict[str, Any]:
    """The event with stage name or base path mapping taken off its path.

    An HTTP API (payload 2.0) puts the stage before the path unless it is ``$default``; a REST API
    (1.0) puts a custom domain's base path there, which the matched ``resource`` gives away.
    """
    context = event["requestContext"]
    if event.get("version") == "2.0":
        stage = context.get("stage", "$default")
        http = context["http"]
        path = _without(http["path"], f"/{stage}") if stage != "$default" else http["path"]
        return {**event, "requestContext": {**context, "http": {**http, "path": path}}}
    path = _without_base(event.get("path") or "/", event)
    return {**event, "path": path}


def _without(path: str, prefix: str) -> str:
    if path == prefix:
        return "/"
    return path[len(prefix) :] if path.startswith(f"{prefix}/") else path


def _without_base(path: str, event: dict[str, Any]) -> str:
    """Take off the segments that stand before those of the matched resource."""
    resource = str(event.get("resource") or "")
    if not resource.startswith("/"):
        return path
    if resource.endswith("+}"):
        name = resource[resource.rindex("{") + 1 : -2]
        proxied = (event.get("pathParameters") or {}).get(name)
        routed = f"{resource[: resource.rindex('/')]}/{proxied}"
        return routed if path.endswith(routed) else path
    wanted = resource.strip("/").split("/")
    segments = path.strip("/").split("/")
    for start in range(len(segments) - len(wanted) + 1):
        pairs = zip(wanted, segments[start:], strict=False)
        if all(want.startswith("{") or want == have for want, have in pairs):
            return "/" + "/".join(segments[start:])
    return path


def malformed(error: Exception) -> dict[str, Any]:
    """The answer to an event whose body or headers cannot be decoded."""
    log.warning("an API Gateway event cannot be read", exc_info=error)
    found = problem(400, "malformed_request", "The request cannot be decoded.")
    return {
        "statusCode": found.status,
        "headers": {"content-type": MEDIA_TYPE},
        "body": found.model_dump_json(exclude_none=True),
        "isBase64Encoded": False,
    }
