"""The gateway's OpenAPI document: the merged documents of the services, and health routes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.schemas.health import GatewayHealth

_EXAMPLES = Path(__file__).with_name("examples.json")
"""Generated from docs/api.md by scripts/docs/examples_page.py: schema → example."""
_HEALTH = "/health"
_GATEWAY_SCHEMA = GatewayHealth.__name__


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
        for path, operations in routes.items():  # several services may share a path
            paths[path] = {**paths.get(path, {}), **operations}
        schemas |= document["components"]["schemas"]
    if documents:
        paths[_HEALTH] = {"get": _gateway_health(health)}
        paths[f"{_HEALTH}/{{service}}"] = {"get": _service_health(health, list(documents))}
        own = GatewayHealth.model_json_schema(
            mode="serialization", ref_template="#/components/schemas/{model}"
        )
        schemas |= {**own.pop("$defs"), _GATEWAY_SCHEMA: own}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Reviewlens", "version": version},
        "paths": paths,
        "components": {"schemas": _complete(schemas)},
    }


def _complete(schemas: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The schemas with their examples; descriptions mark code as Markdown does."""
    examples = json.loads(_EXAMPLES.read_text("utf-8"))
    completed = {}
    for name, schema in schemas.items():
        added = {"examples": [examples[name]]} if name in examples else {}
        if text := schema.get("description"):
            added["description"] = text.replace("``", "`")
        completed[name] = {**schema, **added}
    return completed


def _gateway_health(health: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{_GATEWAY_SCHEMA}"}}}
    return {
        "tags": health["tags"],
        "summary": "State of all services",
        "description": "The HTTP status is 200 also if a service is not well: read `status`. On AWS"
        " the answer is that of one service, inference, so that a check wakes no database.",
        "operationId": "gateway_health",
        "responses": {"200": {"description": "Successful Response", "content": content}},
    }


def _service_health(health: dict[str, Any], services: Sequence[str]) -> dict[str, Any]:
    schema = {"type": "string", "enum": list(services)}
    parameter = {
        "name": "service",
        "in": "path",
        "required": True,
        "description": "Name of the service; another one is a 404.",
        "schema": schema,
    }
    return health | {"operationId": "service_health", "parameters": [parameter]}
