"""The methods of the clients are the routes of docs/openapi.json, with all their parameters."""

import inspect
import json
import re
from datetime import date
from pathlib import Path

import pytest

from cdk.constructs.routes import Access, routes_of
from reviewlens import AsyncClient, Client
from reviewlens.calls import PagedCall
from reviewlens.operations import analysis, collection, insights, monitoring, trainings

DOCUMENT = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text())
DAY = date(2026, 3, 16)
FULL = {
    analysis.analyze: {
        "text": "x",
        "top_k": 3,
        "image_url": "https://x.example/a.png",
        "image_data": b"a picture",
        "picture_preview": True,
        "rating": 2.0,
    },
    analysis.analyze_batch: {"texts": ["x", "y"], "pictures": [None, b"a picture"]},
    analysis.review_pictures: {"review_ids": ["r1"]},
    analysis.search: {
        "text": "x",
        "top_k": 3,
        "filters": {"category": "Audio"},
        "image_url": "https://x.example/a.png",
        "image_data": b"a picture",
        "picture_preview": True,
        "cursor": "c",
    },
    analysis.embeddings: {"texts": ["x"], "pictures": ["https://x.example/a.png"]},
    analysis.build_index: {"force": True},
    collection.sign_upload: {"filename": "a.csv", "size": 3, "mapping": {"text": "Opinion"}},
    collection.preview_upload: {
        "filename": "a.csv",
        "content": b"text",
        "size": 9,
        "mapping": {"text": "Opinion"},
    },
    collection.collect: {
        "source": "s3",
        "prefix": "uploads/",
        "after": "uploads/0.csv",
        "key": "uploads/a.csv",
        "mapping": {"text": "Opinion"},
    },
    collection.ingests: {"limit": 3, "key": "uploads/a.csv", "cursor": "c"},
    collection.ingest: {"ingest_id": "ing_1"},
    collection.rejects: {"ingest_id": "ing_1", "after": 3, "limit": 3},
    collection.forget: {"ingest_id": "ing_1"},
    collection.forget_reviewer: {"reviewer_id": "A/1"},
    collection.forget_product: {"product_id": "A"},
    collection.exclusions: {"limit": 3, "cursor": "c"},
    collection.exclusion: {"exclusion_id": "exc_1"},
    collection.end_exclusion: {"exclusion_id": "exc_1"},
    collection.process: {"ingest_id": "ing_1"},
    insights.products: {
        "sort": "reviews",
        "order": "desc",
        "category": "Audio",
        "brand": "Lumen",
        "search": "lamp",
        "min_reviews": 3,
        "limit": 3,
        "cursor": "c",
    },
    insights.product: {"product_id": "A"},
    insights.summary: {"product_id": "A", "first_day": DAY, "last_day": DAY},
    insights.reviews: {
        "product_id": "A",
        "category": "Audio",
        "source": "amazon2023",
        "sentiment": "negative",
        "language": "de",
        "mismatch": True,
        "min_rating": 1,
        "max_rating": 5,
        "first_day": DAY,
        "last_day": DAY,
        "aspect": "hinge",
        "aspect_sentiment": "negative",
        "limit": 3,
        "cursor": "c",
    },
    insights.trends: {
        "product_id": "A",
        "category": "Audio",
        "source": "amazon2023",
        "interval": "week",
        "first_day": DAY,
        "last_day": DAY,
        "cursor": "c",
    },
    insights.movers: {"category": "Audio", "direction": "worse", "limit": 3, "cursor": "c"},
    insights.segments: {"by": "source", "cursor": "c"},
    insights.aspects: {
        "product_id": "A",
        "category": "Audio",
        "limit": 3,
        "min_reviews": 3,
        "impact": True,
        "cursor": "c",
    },
    insights.overview: {"category": "Audio", "days": 30},
    insights.duplicates: {"product_id": "A", "kind": "near", "limit": 3, "cursor": "c"},
    insights.drift: {"days": 3},
    monitoring.health: {},
    monitoring.service_health: {"service": "insights"},
    trainings.train: {
        "model_name": "m",
        "epochs": 3,
        "batch_size": 3,
        "learning_rate": 1e-5,
        "idempotency_key": "k",
    },
    trainings.training: {"training_id": "train_20261129_001"},
    trainings.cancel_training: {"training_id": "train_20261129_001"},
}
"""Every operation with all its parameters."""
WITHOUT_A_ROUTE = {"linked_reviews", "upload", "send", "close"}
"""Methods made of other routes, or of none."""


def call_of(operation, **arguments):
    result = operation(**arguments)
    return result.call if isinstance(result, PagedCall) else result


CALLS = {
    operation.__name__: call_of(operation, **arguments) for operation, arguments in FULL.items()
}
NAMES = pytest.mark.parametrize("name", CALLS)


def documented(call):
    return DOCUMENT["paths"][call.route][call.method.lower()]


def resolved(schema):
    """A schema of the document; of alternatives with null, the other one."""
    for part in schema.get("anyOf", [schema]):
        if "$ref" in part:
            return DOCUMENT["components"]["schemas"][part["$ref"].rpartition("/")[2]]
    return schema


def public_methods(client):
    return {name for name, _ in inspect.getmembers(client, callable) if not name.startswith("_")}


OF_OTHER_CLIENTS = {"POST /comprehend", "POST /v1/embeddings"}
"""Routes in the shape of another API, which has clients of its own."""


def test_every_documented_route_has_a_method_and_no_method_has_another_route():
    routes = {
        f"{method.upper()} {path}"
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
    }
    assert {call.name for call in CALLS.values()} == routes - OF_OTHER_CLIENTS
    assert routes >= OF_OTHER_CLIENTS


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_both_clients_have_every_operation(client):
    assert public_methods(client) == set(CALLS) | WITHOUT_A_ROUTE


@NAMES
def test_a_sample_has_every_parameter(name):
    operation = next(operation for operation in FULL if operation.__name__ == name)
    assert set(FULL[operation]) == set(inspect.signature(operation).parameters)


@NAMES
def test_query_path_and_headers_are_those_of_the_document(name):
    call = CALLS[name]
    places = {"query": call.parameters, "path": call.segments, "header": call.headers}
    sent = {(place, key) for place, values in places.items() for key in values}
    described = {(each["in"], each["name"]) for each in documented(call).get("parameters", [])}
    described -= {("query", "format")}  # the client parses JSON
    assert sent == described


@NAMES
def test_the_body_has_every_documented_field(name):
    call = CALLS[name]
    described = documented(call).get("requestBody")
    if described is None:
        assert call.body is None
        return
    schema = resolved(described["content"]["application/json"]["schema"])
    assert set(call.body) == set(schema["properties"])


@NAMES
def test_the_answer_is_parsed_by_the_documented_schema(name):
    call = CALLS[name]
    responses = documented(call)["responses"]
    (success,) = [answer for status, answer in responses.items() if status.startswith("2")]
    reference = success["content"]["application/json"]["schema"]["$ref"]
    described = reference.rpartition("/")[2]
    assert call.answer.__name__ == described
    declared = call.answer.model_json_schema(mode="serialization")
    schemas = {described: declared, **declared.pop("$defs", {})}
    for title, schema in schemas.items():
        expected = DOCUMENT["components"]["schemas"][title]
        assert {field: normal(kind) for field, kind in schema.get("properties", {}).items()} == {
            field: normal(kind) for field, kind in expected.get("properties", {}).items()
        }
        assert schema.get("enum") == expected.get("enum")


def normal(schema):
    """A schema of a field, with references by name and without remarks."""
    text = re.sub(r'"#/\$defs/', '"#/components/schemas/', json.dumps(schema, sort_keys=True))
    fields = json.loads(text)
    return {key: value for key, value in fields.items() if key not in {"title", "default"}}


@NAMES
def test_calls_that_need_iam_on_aws_are_signed_and_no_others(name):
    call = CALLS[name]
    path = re.sub(r"\{product_id\}.*", "{product_id+}", call.route)
    path = path.replace("{reviewer_id}", "{reviewer_id+}")
    path = path.replace("{service}", "insights")
    (route,) = [r for r in routes_of(DOCUMENT) if (r.path, r.method) == (path, call.method)]
    assert call.signed == (route.access is Access.IAM)


def test_what_starts_work_is_not_sent_twice():
    repeatable = {name for name, call in CALLS.items() if call.repeatable}
    assert set(CALLS) - repeatable == {
        *("build_index", "cancel_training", "collect", "process", "sign_upload")
    }
    assert not trainings.train(epochs=1).repeatable  # without an idempotency key


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_methods_show_the_parameters_and_the_docstring_of_their_operation(client):
    assert str(inspect.signature(client("http://127.0.0.1:1").search)).startswith(
        "(text: str | None = None, *"
    )
    for name in CALLS:
        assert inspect.getdoc(getattr(client, name))
