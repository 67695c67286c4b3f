"""The gateway's OpenAPI document: the merged documents of the services, and health routes."""

from collections.abc import Mapping, Sequence
from typing import Any

_HEALTH = "/health"
_GATEWAY_SCHEMA = "GatewayHealth"


def merge_documents(documents: Mapping[str, dict[str, Any]], version: str) -> dict[str, Any]:
    """Merge the documents of services; a schema name must mean the same in all of them.

    Args:
        documents: an OpenAPI document for each service name; all have ``/health``.
        version: version of the merged document.
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
        paths[_HEALTH] = {"get": _gateway_health(health)}
        paths[f"{_HEALTH}/{{service}}"] = {"get": _service_health(health, list(documents))}
        schemas[_GATEWAY_SCHEMA] = _gateway_health_schema(schemas["Health"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Reviewlens", "version": version},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _gateway_health(health: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{_GATEWAY_SCHEMA}"}}}
    return {
        "tags": health["tags"],
        "summary": "State of all services",
        "operationId": "gateway_health",
        "responses": {"200": {"description": "Successful Response", "content": content}},
    }


def _service_health(health: dict[str, Any], services: Sequence[str]) -> dict[str, Any]:
    schema = {"type": "string", "enum": list(services)}
    parameter = {"name": "service", "in": "path", "required": True, "schema": schema}
    return health | {"operationId": "service_health", "parameters": [parameter]}


def _gateway_health_schema(health: dict[str, Any]) -> dict[str, Any]:
    """Schema of the gateway's health, derived from that of a service."""
    fields = {name: schema for name, schema in health["properties"].items() if name != "checks"}
    services = {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Health"}}
    return {
        "title": _GATEWAY_SCHEMA,
        "description": "State of all services: ``ok`` if every service is, otherwise ``degraded``.",
        "type": "object",
        "properties": fields | {"services": services},
        "required": ["status", "service", "services"],
    }
