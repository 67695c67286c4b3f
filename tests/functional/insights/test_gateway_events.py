"""Events of API Gateway, SQS and EventBridge, handled by the functions with a database."""

import importlib
import json
from pathlib import Path

import pytest

EVENTS = Path(__file__).resolve().parents[2] / "events"
INGEST = "ing_0123456789abcdef01234567"


@pytest.fixture
def call(function_environment):
    """``call(function, event name)``: invoke the function's handler, return its response."""

    def send(function, name):
        handler = importlib.import_module(f"lambdas.{function}.handler").handler
        return handler(json.loads((EVENTS / f"{name}.json").read_text()), None)

    _clear_dependencies()
    yield send
    _clear_dependencies()


def _clear_dependencies():
    """Rebuild the dependencies: each test has its own environment."""
    for function in ("collection", "processing", "insights"):
        module = importlib.import_module(f"lambdas.{function}.dependencies")
        module.build_dependencies.cache_clear()


@pytest.fixture
def stored_ingest(database):
    """A collected ingest with the id of the events, and a product."""
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO ingests (ingest_id, bucket, key, etag, status)"
            " VALUES (%s, 'b', 'k', 'e', 'collected')",
            (INGEST,),
        )
        connection.execute("INSERT INTO products VALUES ('B000TEST01', 'Lamp', NULL)")


@pytest.mark.parametrize("kind", ["http", "rest"])
@pytest.mark.parametrize(
    ("function", "route", "status"),
    [
        ("collection", "collect", 202),
        ("collection", "uploads", 200),
        ("collection", "collect_list", 200),
        ("collection", "collect_one", 200),
        ("collection", "collect_rejects", 200),
        ("processing", "process", 202),
        ("insights", "products", 200),
        ("insights", "product", 200),
        ("insights", "reviews", 200),
        ("insights", "trends", 200),
        ("insights", "movers", 200),
        ("insights", "segments", 200),
        ("insights", "drift", 200),
        ("insights", "health", 200),
        ("collection", "health", 200),
        # no model is published here
        ("processing", "health", 503),
    ],
)
def test_api_gateway_events_are_answered(call, stored_ingest, function, route, status, kind):
    response = call(function, f"{kind}_{route}")
    assert response["statusCode"] == status, response["body"]
    assert response["isBase64Encoded"] is False
    body = json.loads(response["body"])
    if route == "product":
        assert (body["title"], body["reviews"]) == ("Lamp", 0)


def test_the_test_event_of_s3_is_ignored(call):
    assert call("collection", "sqs_s3_test_event") == {"batchItemFailures": []}


def test_an_event_of_another_bucket_is_ignored(call, rows):
    assert call("collection", "sqs_s3_object_created") == {"batchItemFailures": []}
    assert rows("SELECT count(*) FROM ingests") == [(0,)]


def test_a_shard_missing_from_the_ledger_is_ignored(call):
    assert call("processing", "sqs_process_shard") == {"batchItemFailures": []}


def test_the_schedule_runs_a_sweep(call, ledger):
    assert call("collection", "eventbridge_scheduled") == {"status": "done"}
    assert ledger.recent(10) == []
