"""The routes of the API, read from its OpenAPI document, and who may call each."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cdk.paths import ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"
HEALTH = "/health"
HEALTH_SERVICE = "inference"
"""Who answers /health: it asks S3 alone, so anybody may ask it and no database wakes up."""
_HEALTH_OF_ONE = "/health/{service}"
_READING_POSTS = frozenset({"/analyze", "/analyze/batch", "/search_similar"})
"""They take a text in their body, and change nothing."""
_WITH_SLASHES = frozenset({"product_id"})
"""Path parameters that take the rest of the path, as the services' own routes do."""
_CHECKED = frozenset(
    {
        *("additionalProperties", "anyOf", "enum", "items", "maxItems", "maxLength", "maximum"),
        *("minItems", "minLength", "minimum", "pattern", "properties", "required", "type"),
    }
)
_REMARKS = frozenset({"default", "description", "examples", "format", "title"})


class Access(StrEnum):
    """Who may call a route."""

    OPEN = "open"
    """Anybody."""
    KEY = "key"
    """Whoever has an API key: reads."""
    IAM = "iam"
    """A principal of the account that signs its requests (SigV4): starts work."""


@dataclass(frozen=True)
class Route:
    """One method of one path, as API Gateway spells it."""

    path: str
    method: str
    service: str
    access: Access
    model: str | None = None
    """Schema of a body that must be there."""


def document() -> dict[str, Any]:
    """The OpenAPI document of the gateway; it is generated, and tests keep it true."""
    found: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return found


def routes_of(api: Mapping[str, Any]) -> list[Route]:
    """All routes of an OpenAPI document, in its order.

    A POST that nobody declared to be reading needs IAM, so a new one is never open by mistake.

    Raises:
        ValueError: a route says by no tag which service it belongs to.
    """
    return [
        route
        for path, operations in api["paths"].items()
        for method, operation in operations.items()
        for route in _routes(path, method.upper(), operation)
    ]


def _routes(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[Route]:
    if path == HEALTH:
        yield Route(path, method, HEALTH_SERVICE, Access.OPEN)
    elif path == _HEALTH_OF_ONE:
        (parameter,) = operation["parameters"]
        for service in parameter["schema"]["enum"]:
            yield Route(f"{HEALTH}/{service}", method, service, Access.KEY)
    else:
        tags = operation.get("tags", [])
        if len(tags) != 1:
            raise ValueError(f"{method} {path} has not one tag, which names its service: {tags}")
        reads = method == "GET" or path in _READING_POSTS
        access = Access.KEY if reads else Access.IAM
        yield Route(_spelled(path), method, tags[0], access, _model(operation))


def _spelled(path: str) -> str:
    for name in _WITH_SLASHES:
        path = path.replace(f"{{{name}}}", f"{{{name}+}}")
    return path


def _model(operation: Mapping[str, Any]) -> str | None:
    body = operation.get("requestBody", {})
    if not body.get("required"):
        return None
    reference: str = body["content"]["application/json"]["schema"]["$ref"]
    return reference.rpartition("/")[2]


def schema_of(api: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A schema as API Gateway checks bodies by it: JSON Schema draft 4, complete in itself.

    Args:
        api: the OpenAPI document.
        name: one of its schemas.

    Raises:
        ValueError: the schema has a keyword that draft 4 may read otherwise; names it.
    """
    schemas = api["components"]["schemas"]
    open_names, definitions = [name], {}
    while open_names:
        now = open_names.pop()
        if now not in definitions:
            definitions[now] = _draft4(schemas[now], open_names)
    found = definitions.pop(name)
    head = {"$schema": "http://json-schema.org/draft-04/schema#", "title": name}
    return {**head, **found, **({"definitions": definitions} if definitions else {})}


def _draft4(schema: Mapping[str, Any], named: list[str]) -> dict[str, Any]:
    """Keep what is checked; what the schema refers to is added to ``named``."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        named.append(name)
        return {"$ref": f"#/definitions/{name}"}
    unknown = schema.keys() - _CHECKED - _REMARKS
    if unknown:
        raise ValueError(f"no rule for {', '.join(sorted(unknown))} in a schema of the API")
    found = {keyword: schema[keyword] for keyword in sorted(schema.keys() & _CHECKED)}
    if "properties" in found:
        found["properties"] = {
            field: _draft4(part, named) for field, part in schema["properties"].items()
        }
    if "items" in found:
        found["items"] = _draft4(schema["items"], named)
    if "anyOf" in found:
        found["anyOf"] = [_draft4(part, named) for part in schema["anyOf"]]
    return found
