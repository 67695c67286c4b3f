"""A handler processes queue batches, schedules and API Gateway requests."""

import base64
import json
import threading
from pathlib import Path

import pytest

from shared.errors import InvalidInputError, WaitingError
from shared.http.app import create_service
from shared.http.batches import run_each, sqs_records
from shared.http.entry import make_handler
from shared.schemas.health import Health

EVENTS = Path(__file__).resolve().parents[2] / "events"


def event(name):
    return json.loads((EVENTS / f"{name}.json").read_text())


def make_app():
    app = create_service("echo", title="Echo", health=lambda: Health(service="echo", version="1"))

    @app.post("/analyze")
    def analyze(body: dict[str, object]) -> dict[str, object]:
        return body

    @app.get("/products/{name:path}")
    def product(name: str) -> dict[str, str]:
        return {"name": name}

    return app


@pytest.fixture
def handler():
    return make_handler(make_app)


def body_of(response):
    assert response["isBase64Encoded"] is False
    return json.loads(response["body"])


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_a_stage_prefix_is_removed_from_the_path(handler, kind):
    response = handler(event(f"{kind}_analyze"), None)
    assert response["statusCode"] == 200
    assert body_of(response)["query_text"].endswith("très déçu")


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_the_base_path_of_a_custom_domain_is_removed_for_both_kinds_of_api(handler, kind):
    response = handler(event(f"{kind}_base_path_analyze"), None)
    assert response["statusCode"] == 200
    assert body_of(response)["query_text"].endswith("très déçu")


@pytest.mark.parametrize(
    ("route", "stage", "path", "parameters"),
    [
        ("GET /health", "$default", "/v1/health", None),
        ("GET /health", "prod", "/a/b/health", None),
        ("ANY /{proxy+}", "$default", "/v1/health", {"proxy": "health"}),
        ("ANY /{proxy+}", "prod", "/prod/health", {"proxy": "health"}),
        ("$default", "prod", "/prod/health", None),
        ("$default", "$default", "/health", None),
    ],
)
def test_the_route_of_an_http_api_shows_its_base_path(handler, route, stage, path, parameters):
    gateway_event = event("http_health")
    gateway_event.update(routeKey=route, rawPath=path, pathParameters=parameters)
    gateway_event["requestContext"].update(stage=stage, routeKey=route)
    gateway_event["requestContext"]["http"]["path"] = path
    assert handler(gateway_event, None)["statusCode"] == 200


def test_a_direct_event_is_passed_on_and_others_are_not():
    received = []
    handler = make_handler(make_app, direct=received.append)
    assert handler({"Records": [{"eventSource": "aws:s3"}]}, None) == {"status": "done"}
    assert handler(event("rest_health"), None)["statusCode"] == 200
    assert received == [{"Records": [{"eventSource": "aws:s3"}]}]


def test_the_default_stage_has_no_prefix(handler):
    gateway_event = event("http_health")
    gateway_event["requestContext"]["stage"] = "$default"
    gateway_event["requestContext"]["http"]["path"] = gateway_event["rawPath"] = "/health"
    assert handler(gateway_event, None)["statusCode"] == 200


def test_the_root_of_a_stage_is_routed_like_any_path(handler):
    gateway_event = event("http_health")
    gateway_event["requestContext"]["http"]["path"] = gateway_event["rawPath"] = "/prod"
    assert handler(gateway_event, None)["statusCode"] == 404


@pytest.mark.parametrize(
    ("resource", "path", "proxy"),
    [
        ("/health", "/reviews-api/health", None),
        ("/health", "/a/b/health", None),
        ("/{proxy+}", "/reviews-api/health", "health"),
        ("/health", "/health", None),
        ("/{proxy+}", "/health", "health"),
    ],
)
def test_the_base_path_of_a_custom_domain_is_removed(handler, resource, path, proxy):
    gateway_event = event("rest_health")
    gateway_event.update(
        resource=resource, path=path, pathParameters={"proxy": proxy} if proxy else None
    )
    assert handler(gateway_event, None)["statusCode"] == 200


def test_a_base_path_is_removed_before_an_id_with_slashes(handler):
    gateway_event = event("rest_product")
    gateway_event.update(
        path="/reviews-api/products/a/b",
        resource="/products/{product_id+}",
        pathParameters={"product_id": "a/b"},
    )
    assert body_of(handler(gateway_event, None)) == {"name": "a/b"}


def test_an_id_with_a_slash_is_kept(handler):
    gateway_event = event("rest_product")
    gateway_event.update(path="/products/a/b", resource="/products/{product_id}")
    assert body_of(handler(gateway_event, None)) == {"name": "a/b"}


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_a_base64_body_is_decoded(handler, kind):
    gateway_event = event(f"{kind}_analyze")
    gateway_event.update(
        body=base64.b64encode(gateway_event["body"].encode()).decode(), isBase64Encoded=True
    )
    assert "query_text" in body_of(handler(gateway_event, None))


@pytest.mark.parametrize("kind", ["rest", "http"])
@pytest.mark.parametrize(
    ("body", "is_base64"), [("not base64 at all!", True), ("abc", True), ("\ud800", False)]
)
def test_a_body_that_cannot_be_decoded_is_a_client_error(handler, kind, body, is_base64):
    gateway_event = event(f"{kind}_analyze")
    gateway_event.update(body=body, isBase64Encoded=is_base64)
    response = handler(gateway_event, None)
    assert response["statusCode"] == 400
    assert response["headers"]["content-type"] == "application/problem+json"


def test_an_invalid_host_header_is_a_client_error(handler):
    gateway_event = event("http_health")
    gateway_event["headers"]["host"] = "a:b:c"
    assert handler(gateway_event, None)["statusCode"] == 400


def test_problems_are_not_base64_encoded(handler):
    gateway_event = event("http_health")
    gateway_event["requestContext"]["http"]["path"] = "/prod/nowhere"
    response = handler(gateway_event, None)
    assert (response["statusCode"], body_of(response)["code"]) == (404, "route_not_found")


def test_the_app_is_created_once_and_serves_every_thread():
    creations = []

    def create():
        creations.append(1)
        return make_app()

    handler = make_handler(create)
    responses = []
    threads = [
        threading.Thread(target=lambda: responses.append(handler(event("rest_health"), None)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [response["statusCode"] for response in responses] == [200] * 8
    assert len(creations) == 1


def test_a_batch_reports_the_messages_that_failed():
    def batch(records):
        assert json.loads(records[0].body)["type"] == "build_index"
        assert [r.messageId for r in records] == [r["messageId"] for r in gateway_event["Records"]]
        return [records[1].messageId]

    gateway_event = event("sqs_build_index")
    delayed = []
    handler = make_handler(make_app, batch=batch, delay=delayed.extend)
    response = handler(gateway_event, None)
    failed = gateway_event["Records"][1]["messageId"]
    assert response == {"batchItemFailures": [{"itemIdentifier": failed}]}
    assert [record.messageId for record in delayed] == [failed]


def test_a_failed_message_does_not_affect_the_others():
    done = []

    def work(record):
        if record.messageId.endswith("0"):
            raise ValueError("this one is broken")
        done.append(record.messageId)

    gateway_event = event("sqs_build_index")
    handler = make_handler(
        make_app, batch=lambda records: run_each(records, work), delay=lambda _records: None
    )
    response = handler(gateway_event, None)
    first, second = (record["messageId"] for record in gateway_event["Records"])
    assert response["batchItemFailures"] == [{"itemIdentifier": first}]
    assert done == [second]


def test_a_message_that_waits_is_no_error_in_the_log(caplog):
    def work(_record):
        raise WaitingError("an index still holds rows of the upload")

    caplog.set_level("INFO")
    (record, *_) = sqs_records(event("sqs_build_index"))
    assert run_each([record], work) == [record.messageId]
    (line,) = caplog.records
    assert (line.levelname, line.exc_info) == ("INFO", None)
    expected = f"message {record.messageId} waits: an index still holds rows of the upload"
    assert line.getMessage() == expected


def test_a_schedule_reaches_the_scheduled_function():
    events = []
    handler = make_handler(make_app, scheduled=events.append)
    assert handler(event("eventbridge_scheduled"), None) == {"status": "done"}
    assert events[0]["detail-type"] == "Scheduled Event"


@pytest.mark.parametrize(
    "gateway_event",
    [{}, {"Records": []}, {"Records": [{"eventSource": "aws:s3"}]}, {"source": "aws.events"}],
)
def test_an_unsupported_event_is_refused(handler, gateway_event):
    with pytest.raises(InvalidInputError):
        handler(gateway_event, None)
