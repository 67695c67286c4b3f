"""Inference and retrieval in the runtime client: every route, cold starts, what a call reuses."""

import json
import logging
import sys
import time

import pytest
from fastapi.routing import APIRoute

from lambdas.inference.api import create_app as inference_app
from lambdas.retrieval.api import create_app as retrieval_app
from shared.index.build import build_index
from shared.storage import artefacts
from tests.corpus import made_up_reviews, put_shard
from tests.functional.lambda_runtime.conftest import event
from tests.models import opened_model

ROUTES = {
    "inference": {"analyze": 200, "analyze_batch": 200, "health": 200, "own_health": 200},
    "retrieval": {"search_similar": 200, "build_index": 202, "health": 200, "own_health": 200},
}
CALLS = [
    (function, kind, route, status)
    for function, routes in ROUTES.items()
    for route, status in routes.items()
    for kind in ("rest", "http")
]


@pytest.fixture(scope="module")
def serving(cloud):
    """A small index of the shipped model is current."""
    store, encoder = cloud.store("ARTEFACT"), opened_model()
    reviews = made_up_reviews(120)
    vectors = encoder.encode([row["text"] for row in reviews]).embeddings
    put_shard(store, encoder.version, reviews, vectors.astype("float16"))
    build_index(store)
    for name in ROUTES:
        wait_for_index(cloud.function(name), store)
    return cloud


def wait_for_index(function, store):
    """Until a warm process answers from the index that is current."""
    wanted = artefacts.current(store, "index").version
    deadline = time.monotonic() + 30
    while told(function.invoke(event("rest_health")))["index_version"] != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def s3_requests(serving):
    """Empties and gives the requests that the artefact bucket has got."""
    bucket = serving.variables["REVIEWLENS_ARTEFACT_BUCKET"]
    seen = []

    class Listen(logging.Handler):
        def emit(self, record):
            if bucket in (message := record.getMessage()):
                seen.append(message)

    def taken():
        found = list(seen)
        seen.clear()
        return found

    server, listener = logging.getLogger("werkzeug"), Listen()
    server.addHandler(listener)
    yield taken
    server.removeHandler(listener)


def routed(function, kind, route):
    """An event of a route; ``own_health`` is that of the service under its own name."""
    if route != "own_health":
        return event(f"{kind}_{route}")
    path = f"/health/{function}"
    found = event(f"{kind}_health")
    if kind == "rest":
        return {**found, "path": path, "resource": path}
    http = {**found["requestContext"]["http"], "path": f"/prod{path}"}
    return {
        **found,
        "rawPath": f"/prod{path}",
        "requestContext": {**found["requestContext"], "http": http},
    }


def told(outcome):
    assert outcome.kind == "response", outcome
    assert outcome.body["isBase64Encoded"] is False
    return json.loads(outcome.body["body"])


def test_no_route_is_left_out_here():
    for name, create in (("inference", inference_app), ("retrieval", retrieval_app)):
        paths = {route.path for route in create().routes if isinstance(route, APIRoute)}
        assert paths == {routed(name, "rest", route)["path"] for route in ROUTES[name]}


@pytest.mark.parametrize(("function", "kind", "route", "status"), CALLS)
def test_each_route_answers_events_of_both_gateways(serving, function, kind, route, status):
    answer = serving.function(function).invoke(routed(function, kind, route))
    body = told(answer)
    assert answer.body["statusCode"] == status, body
    assert answer.body["headers"]["content-type"] == "application/json"
    if route == "analyze_batch":
        assert [one["sentiment"] for one in body["results"]] == ["positive", "negative"]
    elif route == "analyze":
        assert body["sentiment"] == "negative"
        assert body["similar_reviews"]
        assert body["index_version"]
    elif route == "search_similar":
        assert len(body["results"]) == 3
        assert {one["sentiment"] for one in body["results"]} == {"negative"}
    elif "health" in route:
        assert (body["status"], body["service"]) == ("ok", function)


@pytest.mark.parametrize("kind", ["rest", "http"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ('{"query_text": ', 400, "invalid_json"),
        (json.dumps({"query_text": "x" * 10_001}), 422, "invalid_input"),
        (json.dumps({"query_text": "x" * 1_100_000}), 413, "too_large"),
        (json.dumps({"text": "no such field"}), 422, "invalid_input"),
    ],
    ids=["bad JSON", "long text", "large body", "missing field"],
)
def test_bad_requests_get_a_problem_and_the_process_serves_on(serving, kind, body, status, code):
    function = serving.function("inference")
    answer = function.invoke(event(f"{kind}_analyze", body=body))
    assert answer.body["statusCode"] == status
    assert answer.body["headers"]["content-type"] == "application/problem+json"
    assert told(answer)["code"] == code
    assert function.invoke(event(f"{kind}_analyze")).body["statusCode"] == 200


def test_a_route_that_does_not_exist_is_not_found(serving):
    unknown = event("rest_analyze", path="/nowhere", resource="/nowhere")
    answer = serving.function("inference").invoke(unknown)
    assert (answer.body["statusCode"], told(answer)["code"]) == (404, "route_not_found")


def test_the_second_call_reuses_what_the_first_one_loaded(
    serving, s3_requests, record_property, capsys
):
    function = serving.cold("inference", REVIEWLENS_POINTER_REFRESH_SECONDS="300")
    s3_requests()
    first = told(function.invoke(event("rest_analyze")))
    cold_seconds = time.monotonic() - function.started
    cold = s3_requests()
    assert sum("model.onnx" in line for line in cold) >= 1
    assert sum("index.faiss" in line for line in cold) >= 1

    start = time.monotonic()
    second = told(function.invoke(event("rest_analyze")))
    warm_seconds = time.monotonic() - start
    assert s3_requests() == []
    assert second == first
    assert function.process.poll() is None

    record_property("cold_start_seconds", round(cold_seconds, 3))
    record_property("warm_seconds", round(warm_seconds, 4))
    with capsys.disabled():
        sys.stdout.write(
            f"\ninference in the runtime client: first answer {cold_seconds:.2f} s after the start"
            f" ({len(cold)} requests of S3), second in {warm_seconds * 1000:.1f} ms (none)\n"
        )


def test_a_moved_pointer_is_seen_by_the_warm_process(serving):
    function = serving.cold("retrieval", REVIEWLENS_POINTER_REFRESH_SECONDS="0")
    before = told(function.invoke(event("rest_health")))["index_version"]
    store, encoder = serving.store("ARTEFACT"), opened_model()
    text = "The zeppelin came without its anchor."
    rows = [{**made_up_reviews(1)[0], "review_id": "made:z", "text": text}]
    put_shard(store, encoder.version, rows, encoder.encode([text]).embeddings.astype("float16"))
    build_index(store)
    wait_for_index(function, store)
    assert artefacts.current(store, "index").version != before
    asked = event("rest_search_similar", body=json.dumps({"query_text": "zeppelin anchor"}))
    assert told(function.invoke(asked))["results"][0]["review_text"] == text


@pytest.mark.parametrize("name", ["inference", "retrieval"])
def test_a_process_that_lambda_prepares_ahead_has_loaded_all_before_its_first_request(
    serving, s3_requests, name
):
    s3_requests()
    function = serving.cold(
        name,
        AWS_LAMBDA_INITIALIZATION_TYPE="provisioned-concurrency",
        REVIEWLENS_POINTER_REFRESH_SECONDS="3600",
    )
    assert function.api.asked.wait(60), "it is ready for requests"
    assert len(s3_requests()) > 5
    assert function.invoke(event("rest_health")).body["statusCode"] == 200
    assert s3_requests() == []
