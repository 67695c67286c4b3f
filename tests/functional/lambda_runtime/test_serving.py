"""Inference and retrieval in the runtime client: all routes, cold starts and warm calls."""

import base64
import json
import logging
import sys
import time

import pytest
from fastapi.routing import APIRoute

from cdk.packaging.table import PICTURE_MODEL
from cdk.paths import ROOT
from lambdas.inference.api import create_app as inference_app
from lambdas.retrieval.api import create_app as retrieval_app
from shared.index.build import build_index
from shared.schemas.messages import FetchPictures, PicturesFetched
from shared.schemas.pictures import WantedPicture
from shared.storage import artefacts, layout
from shared.storage.review_pictures import read_results
from tests.corpus import made_up_reviews, put_shard
from tests.functional.lambda_runtime.conftest import event, sqs_event
from tests.models import opened_model
from tests.pictures import drawn, saved

ROUTES = {
    "inference": {
        "analyze": 200,
        "analyze_batch": 200,
        "embeddings": 200,
        "openai_embeddings": 200,
        "comprehend": 200,
        "health": 200,
        "own_health": 200,
    },
    "retrieval": {
        "search_similar": 200,
        "review_pictures": 200,
        "build_index": 202,
        "health": 200,
        "own_health": 200,
    },
}
CALLS = [
    (function, kind, route, status)
    for function, routes in ROUTES.items()
    for route, status in routes.items()
    for kind in ("rest", "http")
]


@pytest.fixture(scope="module")
def serving(cloud):
    """A deployment whose current index holds 120 reviews."""
    store, encoder = cloud.store("ARTEFACT"), opened_model()
    reviews = made_up_reviews(120)
    vectors = encoder.encode([row["text"] for row in reviews]).embeddings
    put_shard(store, encoder.version, reviews, vectors.astype("float16"))
    build_index(store)
    for name in ROUTES:
        wait_for_index(cloud.function(name), store)
    return cloud


def wait_for_index(function, store):
    """Wait until a warm process serves the current index."""
    version = artefacts.current(store, "index").version
    deadline = time.monotonic() + 30
    while json_body(function.invoke(event("rest_health")))["index_version"] != version:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def s3_requests(serving):
    """``s3_requests()``: the requests to the artefact bucket since the last call."""
    bucket = serving.variables["REVIEWLENS_ARTEFACT_BUCKET"]
    requests = []

    class Listener(logging.Handler):
        def emit(self, record):
            if bucket in (message := record.getMessage()):
                requests.append(message)

    def take():
        taken = list(requests)
        requests.clear()
        return taken

    server, listener = logging.getLogger("werkzeug"), Listener()
    level = server.level
    server.setLevel(logging.INFO)  # a stack of an earlier test may have silenced it
    server.addHandler(listener)
    yield take
    server.removeHandler(listener)
    server.setLevel(level)


def route_event(function, kind, route):
    """An event of a route; ``own_health`` is /health/<service>."""
    if route != "own_health":
        return event(f"{kind}_{route}")
    path = f"/health/{function}"
    health = event(f"{kind}_health")
    if kind == "rest":
        return {**health, "path": path, "resource": path}
    http = {**health["requestContext"]["http"], "path": f"/prod{path}"}
    return {
        **health,
        "rawPath": f"/prod{path}",
        "requestContext": {**health["requestContext"], "http": http},
    }


def json_body(outcome):
    assert outcome.kind == "response", outcome
    assert outcome.body["isBase64Encoded"] is False
    return json.loads(outcome.body["body"])


def test_all_routes_are_covered():
    for name, create in (("inference", inference_app), ("retrieval", retrieval_app)):
        paths = {route.path for route in create().routes if isinstance(route, APIRoute)}
        assert paths == {route_event(name, "rest", route)["path"] for route in ROUTES[name]}


@pytest.mark.parametrize(("function", "kind", "route", "status"), CALLS)
def test_each_route_answers_events_of_both_gateways(serving, function, kind, route, status):
    outcome = serving.function(function).invoke(route_event(function, kind, route))
    body = json_body(outcome)
    assert outcome.body["statusCode"] == status, body
    media_type = "application/x-amz-json-1.1" if route == "comprehend" else "application/json"
    assert outcome.body["headers"]["content-type"] == media_type
    if route == "analyze_batch":
        assert [result["sentiment"] for result in body["results"]] == ["positive", "negative"]
    elif route == "analyze":
        assert body["sentiment"] == "negative"
        assert body["similar_reviews"]
        assert body["index_version"]
    elif route == "embeddings":
        assert body["modalities"] == ["text"]
    elif route == "openai_embeddings":
        assert len(body["data"][0]["embedding"]) == 384
    elif route == "comprehend":
        assert body["Sentiment"] == "NEGATIVE"
    elif route == "search_similar":
        assert len(body["results"]) == 3
        assert {result["sentiment"] for result in body["results"]} == {"negative"}
    elif route == "review_pictures":
        assert body["pictures"] == {}
        assert body["index_version"]
    elif "health" in route:
        assert (body["status"], body["service"]) == ("ok", function)


@pytest.mark.parametrize("kind", ["rest", "http"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ('{"query_text": ', 400, "invalid_json"),
        (json.dumps({"query_text": "x" * 10_001}), 422, "invalid_input"),
        (json.dumps({"query_text": "x" * 5_100_000}), 413, "too_large"),
        (json.dumps({"text": "no such field"}), 422, "invalid_input"),
    ],
    ids=["bad JSON", "long text", "large body", "missing field"],
)
def test_bad_requests_get_a_problem_and_the_process_keeps_serving(
    serving, kind, body, status, code
):
    function = serving.function("inference")
    outcome = function.invoke(event(f"{kind}_analyze", body=body))
    assert outcome.body["statusCode"] == status
    assert outcome.body["headers"]["content-type"] == "application/problem+json"
    assert json_body(outcome)["code"] == code
    assert function.invoke(event(f"{kind}_analyze")).body["statusCode"] == 200


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_texts_are_embedded(serving, kind):
    outcome = serving.function("inference").invoke(event(f"{kind}_embeddings"))
    assert outcome.body["statusCode"] == 200
    assert [len(vector) for vector in json_body(outcome)["embeddings"]] == [384, 384]


def test_an_unknown_route_is_not_found(serving):
    unknown = event("rest_analyze", path="/nowhere", resource="/nowhere")
    outcome = serving.function("inference").invoke(unknown)
    assert (outcome.body["statusCode"], json_body(outcome)["code"]) == (404, "route_not_found")


def test_a_warm_call_reuses_the_loaded_model_and_index(
    serving, s3_requests, record_property, capsys
):
    function = serving.cold("inference", REVIEWLENS_POINTER_REFRESH_SECONDS="300")
    s3_requests()
    first = json_body(function.invoke(event("rest_analyze")))
    cold_seconds = time.monotonic() - function.started
    cold = s3_requests()
    assert sum("model.onnx" in line for line in cold) >= 1
    assert sum("index.faiss" in line for line in cold) >= 1

    start = time.monotonic()
    second = json_body(function.invoke(event("rest_analyze")))
    warm_seconds = time.monotonic() - start
    assert s3_requests() == []
    assert second == first
    assert function.process.poll() is None

    record_property("cold_start_seconds", round(cold_seconds, 3))
    record_property("warm_seconds", round(warm_seconds, 4))
    with capsys.disabled():
        sys.stdout.write(
            f"\ninference in the runtime client: first response after {cold_seconds:.2f} s"
            f" ({len(cold)} S3 requests), second in {warm_seconds * 1000:.1f} ms (none)\n"
        )


def test_a_warm_process_follows_a_moved_pointer(serving):
    function = serving.cold("retrieval", REVIEWLENS_POINTER_REFRESH_SECONDS="0")
    before = json_body(function.invoke(event("rest_health")))["index_version"]
    store, encoder = serving.store("ARTEFACT"), opened_model()
    text = "The zeppelin came without its anchor."
    rows = [{**made_up_reviews(1)[0], "review_id": "made:z", "text": text}]
    put_shard(store, encoder.version, rows, encoder.encode([text]).embeddings.astype("float16"))
    build_index(store)
    wait_for_index(function, store)
    assert artefacts.current(store, "index").version != before
    search = event("rest_search_similar", body=json.dumps({"query_text": "zeppelin anchor"}))
    assert json_body(function.invoke(search))["results"][0]["review_text"] == text


@pytest.mark.parametrize(
    ("name", "route"), [("inference", "rest_analyze"), ("retrieval", "rest_search_similar")]
)
def test_a_provisioned_process_loads_everything_before_its_first_request(
    serving, s3_requests, name, route
):
    s3_requests()
    function = serving.cold(
        name,
        AWS_LAMBDA_INITIALIZATION_TYPE="provisioned-concurrency",
        REVIEWLENS_POINTER_REFRESH_SECONDS="3600",
    )
    assert function.api.ready.wait(60), "not ready for requests"
    assert len(s3_requests()) > 5
    assert function.invoke(event(route)).body["statusCode"] == 200
    assert s3_requests() == []


def test_a_picture_is_decoded_with_what_its_function_ships(serving):
    function = serving.function("image_fetch")
    for kind in ("JPEG", "PNG", "WebP", "GIF", "AVIF"):
        data = base64.b64encode(saved(drawn(), kind)).decode()
        picture = function.invoke({"data": data}).body["picture"]
        assert (picture["original_kind"], picture["width"]) == (kind, 40)
    refused = function.invoke({"url": "https://127.0.0.1/a"}).body["problem"]
    assert refused["code"] == "address_refused"


def test_pictures_of_reviews_are_worked_on_with_what_the_function_ships(serving):
    worker = serving.cold(
        "review_pictures",
        REVIEWLENS_IMAGE_FETCH_FUNCTION="unused",
        REVIEWLENS_PICTURE_MODEL_DIR=str(ROOT / PICTURE_MODEL),
        REVIEWLENS_PICTURE_HOSTS="a.example",
    )
    wanted = WantedPicture(review_id="r1", url="https://b.example/1.jpg")
    message = FetchPictures(ingest_id="ing_1", first=1, pictures=[wanted])
    outcome = worker.invoke(sqs_event(message.model_dump_json(), "not a message"))
    assert outcome.body == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    (report,) = map(PicturesFetched.model_validate_json, serving.messages("COLLECTION"))
    assert (report.ingest_id, report.first) == ("ing_1", 1)
    results = read_results(serving.store("ARTEFACT"), layout.picture_results("ing_1", 1))
    assert [each.outcome for each in results.pictures] == ["refused"]
