"""The routes of the API, read from its OpenAPI document, and the access to each."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from cdk.paths import ROOT
from shared.schemas.cors import READING_POSTS

DOCUMENT = ROOT / "docs" / "openapi.json"
HEALTH = "/health"
HEALTH_SERVICE = "inference"
"""The service behind /health: it uses only S3, so the open route wakes no database."""
_SERVICE_HEALTH = "/health/{service}"
_PROBLEM = "application/problem+json"
_GREEDY_PARAMETERS = frozenset({"product_id", "reviewer_id"})
"""Path parameters that may contain slashes, as in the routes of the services. API Gateway has
nothing below them: a route there is served by the one that ends with the parameter."""
_VALIDATION_KEYWORDS = frozenset(
    {
        *("additionalProperties", "anyOf", "enum", "items", "maxItems", "maxLength", "maximum"),
        *("minItems", "minLength", "minimum", "pattern", "properties", "required", "type"),
    }
)
_ANNOTATION_KEYWORDS = frozenset({"default", "description", "examples", "format", "title"})
_SERVICE_KEYWORDS = frozenset({"contentEncoding", "minProperties", "not", "propertyNames"})
"""Keywords that the services check alone, as draft 4 or API Gateway lacks some of them."""


class Access(StrEnum):
    """Who may call a route."""

    OPEN = "open"
    """Everyone."""
    KEY = "key"
    """Callers with an API key, for reads."""
    IAM = "iam"
    """Principals of the account that sign their requests (SigV4), to start work."""


@dataclass(frozen=True)
class Route:
    """One method of one path, in the notation of API Gateway."""

    path: str
    method: str
    service: str
    access: Access
    model: str | None = None
    """Schema of the body, if the body is required."""


def openapi_document() -> dict[str, Any]:
    """The generated OpenAPI document of the gateway; tests check that it is current."""
    document: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return document


def routes_of(api: Mapping[str, Any]) -> list[Route]:
    """All routes of an OpenAPI document that API Gateway needs, in its order.

    A POST requires IAM unless it is declared read-only, so a new one is never open by mistake.

    Raises:
        ValueError: a route does not have exactly one tag, which names its service, or it stands
            below a parameter with slashes whose own route differs in access or service.
    """
    routes = {
        (route.path, route.method): route
        for path, operations in api["paths"].items()
        for method, operation in operations.items()
        if not serving_path(path)
        for route in _routes_of_operation(path, method.upper(), operation)
    }
    for path, operations in api["paths"].items():
        if (served_by := serving_path(path)) is not None:
            for method, operation in operations.items():
                _check_served(routes.get((served_by, method.upper())), path, method, operation)
    return list(routes.values())


def serving_path(path: str) -> str | None:
    """The path in the gateway that serves a route below a parameter with slashes, or None."""
    for name in _GREEDY_PARAMETERS:
        head, parameter, rest = path.partition(f"{{{name}}}")
        if parameter and rest:
            return f"{head}{{{name}+}}"
    return None


def _check_served(
    route: Route | None, path: str, method: str, operation: Mapping[str, Any]
) -> None:
    """Raise ValueError unless a route treats the requests to one below it in the same way."""
    (below,) = _routes_of_operation(path, method.upper(), operation)
    if route is None or replace(route, path=below.path) != below:
        raise ValueError(f"{method.upper()} {path} needs the access and service of the route above")


def _routes_of_operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[Route]:
    if path == HEALTH:
        yield Route(path, method, HEALTH_SERVICE, Access.OPEN)
    elif path == _SERVICE_HEALTH:
        (parameter,) = operation["parameters"]
        for service in parameter["schema"]["enum"]:
            yield Route(f"{HEALTH}/{service}", method, service, Access.KEY)
    else:
        tags = operation.get("tags", [])
        if len(tags) != 1:
            raise ValueError(f"{method} {path} needs exactly one tag, its service: {tags}")
        reads = method == "GET" or path in READING_POSTS
        access = Access.KEY if reads else Access.IAM
        yield Route(_gateway_path(path), method, tags[0], access, _body_model(operation))


def _gateway_path(path: str) -> str:
    for name in _GREEDY_PARAMETERS:
        path = path.replace(f"{{{name}}}", f"{{{name}+}}")
    return path


def _body_model(operation: Mapping[str, Any]) -> str | None:
    body = operation.get("requestBody", {})
    if not body.get("required") or not _has_problems(operation):
        return None
    reference: str = body["content"]["application/json"]["schema"]["$ref"]
    return reference.rpartition("/")[2]


def _has_problems(operation: Mapping[str, Any]) -> bool:
    """Whether errors of a route are problems, as those of the gateway are.

    The service alone validates bodies of other protocols, so that its errors have their shape.
    """
    return _PROBLEM in operation.get("responses", {}).get("4XX", {}).get("content", {_PROBLEM: {}})


def draft4_schema(api: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A self-contained JSON Schema (draft 4), with which API Gateway validates bodies.

    Args:
        api: the OpenAPI document.
        name: one of its schemas.

    Raises:
        ValueError: the schema has a keyword that draft 4 may interpret differently.
    """
    schemas = api["components"]["schemas"]
    pending, definitions = [name], {}
    while pending:
        current = pending.pop()
        if current not in definitions:
            definitions[current] = _convert(schemas[current], pending)
    schema = definitions.pop(name)
    head = {"$schema": "http://json-schema.org/draft-04/schema#", "title": name}
    return {**head, **schema, **({"definitions": definitions} if definitions else {})}


def _convert(schema: Mapping[str, Any], references: list[str]) -> dict[str, Any]:
    """Keep the validation keywords; names of referenced schemas are added to ``references``."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        references.append(name)
        return {"$ref": f"#/definitions/{name}"}
    unknown = schema.keys() - _VALIDATION_KEYWORDS - _ANNOTATION_KEYWORDS - _SERVICE_KEYWORDS
    if unknown:
        raise ValueError(
            f"unsupported keyword in a schema of the API: {', '.join(sorted(unknown))}"
        )
    keywords = sorted(schema.keys() & _VALIDATION_KEYWORDS)
    converted = {keyword: schema[keyword] for keyword in keywords}
    if not converted.get("pattern", "").isascii():  # engines count such characters differently
        del converted["pattern"]
    if "properties" in converted:
        converted["properties"] = {
            field: _convert(part, references) for field, part in schema["properties"].items()
        }
    if "items" in converted:
        converted["items"] = _convert(schema["items"], references)
    if "anyOf" in converted:
        converted["anyOf"] = [_convert(part, references) for part in schema["anyOf"]]
    return converted
