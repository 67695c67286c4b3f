"""The HTTP routes of processing, and its queue handler."""

from dataclasses import replace

import numpy as np
import pytest
from fastapi.testclient import TestClient

from lambdas.processing import handler
from lambdas.processing.api import create_app
from shared.errors import UnavailableError
from shared.schemas.messages import ProcessShard


@pytest.fixture
def http(ports):
    return TestClient(create_app(ports))


def test_process_queues_the_open_shards(http, ports, collect):
    ingest_id, messages = collect(shards=3)
    answer = http.post("/process", json={"ingest_id": ingest_id})
    assert answer.status_code == 202
    assert (answer.json()["ingest_id"], answer.json()["shards"]) == (ingest_id, 3)
    queued = [ProcessShard.model_validate_json(body) for body in ports.processing_queue.take()]
    assert queued == messages


def test_process_refuses_an_ingest_that_is_unknown_or_not_collected(http, collect):
    assert http.post("/process", json={"ingest_id": "ing_none"}).status_code == 404
    ingest_id, _ = collect(finish=False)
    assert http.post("/process", json={"ingest_id": ingest_id}).status_code == 409


@pytest.mark.parametrize(
    "body", [{}, {"ingest_id": ""}, {"ingest_id": "a\0"}, {"ingest_id": 3}, []]
)
def test_process_names_what_is_wrong(http, body):
    answer = http.post("/process", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_embeddings_come_in_the_order_of_the_texts(http, encoder):
    texts = ["bad", "lovely", "ü" * 10_000]
    told = http.post("/embeddings", json={"texts": texts}).json()
    assert told["model_version"] == "m1"
    assert np.array(told["embeddings"]) == pytest.approx(encoder.encode(texts).embeddings)


@pytest.mark.parametrize(
    "texts", [[], ["x"] * 65, ["x" * 10_001], [""], [" "], [None], "x", [["x"]]]
)
def test_embeddings_refuse_what_is_too_much_or_nothing(http, texts):
    assert http.post("/embeddings", json={"texts": texts}).status_code == 422


def test_the_largest_allowed_request_fits(http):
    assert http.post("/embeddings", json={"texts": ["é" * 10_000] * 64}).status_code == 200


def test_health_tells_database_and_model(http, ports):
    told = http.get("/health").json()
    assert (told["status"], told["model_version"]) == ("ok", "m1")

    def none():
        raise UnavailableError("no model is published yet")

    answer = TestClient(create_app(replace(ports, models=none))).get("/health")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"]["status"] == "ok"
    assert answer.json()["checks"]["model"]["detail"] == "no model is published yet"


def test_the_handler_reports_only_the_messages_that_failed(
    monkeypatch, function_environment, ports, collect
):
    monkeypatch.setattr(handler, "build_dependencies", lambda _settings: ports)
    ingest_id, (good, gone) = collect(shards=2)
    ports.clean.delete(gone.key)
    records = [
        {"messageId": name, "eventSource": "aws:sqs", "body": body}
        for name, body in (
            ("gone", gone.model_dump_json()),
            ("good", good.model_dump_json()),
            ("odd", "{}"),
        )
    ]
    answer = handler.handler({"Records": records}, None)
    failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    assert failed == ["gone", "odd"]
    assert ports.ledger.report(ingest_id).shards_processed == 1
