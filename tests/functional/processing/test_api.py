"""The HTTP routes and the queue handler of processing."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from lambdas.processing import handler
from lambdas.processing.api import create_app
from shared.errors import UnavailableError
from shared.schemas.formats import PARQUET_KEY
from shared.schemas.messages import ProcessShard
from shared.storage.shards import to_parquet


@pytest.fixture
def http(dependencies):
    return TestClient(create_app(lambda: dependencies))


def test_process_queues_the_open_shards(http, dependencies, collect):
    ingest_id, messages = collect(shards=3)
    response = http.post("/process", json={"ingest_id": ingest_id})
    assert response.status_code == 202
    assert (response.json()["ingest_id"], response.json()["shards"]) == (ingest_id, 3)
    queued = [
        ProcessShard.model_validate_json(body) for body in dependencies.processing_queue.take()
    ]
    assert queued == messages


def test_process_rejects_an_unknown_or_uncollected_ingest(http, collect):
    assert http.post("/process", json={"ingest_id": "ing_none"}).status_code == 404
    ingest_id, _ = collect(finish=False)
    assert http.post("/process", json={"ingest_id": ingest_id}).status_code == 409


@pytest.mark.parametrize(
    "body", [{}, {"ingest_id": ""}, {"ingest_id": "a\0"}, {"ingest_id": 3}, []]
)
def test_process_rejects_an_invalid_body(http, body):
    response = http.post("/process", json=body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


def test_health_reports_database_and_model(http, dependencies):
    body = http.get("/health").json()
    assert (body["status"], body["model_version"]) == ("ok", "m1")

    def fail():
        raise UnavailableError("no model is published yet")

    without_model = replace(dependencies, current_model=fail)
    response = TestClient(create_app(lambda: without_model)).get("/health")
    assert response.status_code == 503
    assert response.json()["checks"]["database"]["status"] == "ok"
    assert response.json()["checks"]["model"]["detail"] == "no model is published yet"


def test_the_handler_reports_only_failed_messages(
    monkeypatch, function_environment, dependencies, collect
):
    monkeypatch.setattr(handler, "build_dependencies", lambda: dependencies)
    ingest_id, (good, newer) = collect(shards=2)
    body = dependencies.clean.get(newer.key)[0]
    table = pq.read_table(pa.BufferReader(body)).replace_schema_metadata({PARQUET_KEY: b"99"})
    dependencies.clean.put(newer.key, to_parquet(table))
    records = [
        {"messageId": name, "eventSource": "aws:sqs", "body": body}
        for name, body in (
            ("newer", newer.model_dump_json()),
            ("good", good.model_dump_json()),
            ("invalid", "{}"),
        )
    ]
    response = handler.handler({"Records": records}, None)
    failed = [failure["itemIdentifier"] for failure in response["batchItemFailures"]]
    assert failed == ["newer", "invalid"]
    assert dependencies.ledger.report(ingest_id).shards_processed == 1
