"""The gateway's OpenAPI document: those of the services as one, and its own health routes."""

from collections.abc import Mapping, Sequence
from typing import Any

_HEALTH = "/health"
_GATEWAY_SCHEMA = "GatewayHealth"


def merged(documents: Mapping[str, dict[str, Any]], version: str) -> dict[str, Any]:
    """Merge the documents of services, whose schemas have one meaning for each name.

    Args:
        documents: an OpenAPI document for each service name; all have ``/health``.
        version: what the merged document gives as its version.
    """
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    health: dict[str, Any] = {}
    for document in documents.values():
        routes = dict(document["paths"])
        health = routes.pop(_HEALTH)["get"]
        paths |= routes
        schemas |= document["components"]["schemas"]
    if documents:
        paths[_HEALTH] = {"get": _of_all(health)}
        paths[f"{_HEALTH}/{{service}}"] = {"get": _of_one(health, list(documents))}
        schemas[_GATEWAY_SCHEMA] = _schema(schemas["Health"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Reviewlens", "version": version},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _of_all(health: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{_GATEWAY_SCHEMA}"}}}
    return {
        "tags": health["tags"],
        "summary": "State of all services",
        "operationId": "gateway_health",
        "responses": {"200": {"description": "Successful Response", "content": content}},
    }


def _of_one(health: dict[str, Any], services: Sequence[str]) -> dict[str, Any]:
    named = {"name": "service", "in": "path", "required": True}
    kinds = {"type": "string", "enum": list(services)}
    return health | {"operationId": "service_health", "parameters": [named | {"schema": kinds}]}


def _schema(health: dict[str, Any]) -> dict[str, Any]:
    """Schema of the gateway's own health, from that of a service."""
    fields = {name: kind for name, kind in health["properties"].items() if name != "checks"}
    of_each = {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Health"}}
    return {
        "title": _GATEWAY_SCHEMA,
        "description": "State of all services: ``ok`` where each is, else ``degraded``.",
        "type": "object",
        "properties": fields | {"services": of_each},
        "required": ["status", "service", "services"],
    }
