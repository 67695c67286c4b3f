"""A handler tells queue batches, schedules and API Gateway requests apart."""

import base64
import json
import threading
from pathlib import Path

import pytest

from shared.errors import InvalidInputError
from shared.http.app import create_service
from shared.http.entry import failed_ids, make_handler
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


def body_of(answer):
    assert answer["isBase64Encoded"] is False
    return json.loads(answer["body"])


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_a_stage_before_the_path_is_taken_off(handler, kind):
    answer = handler(event(f"{kind}_analyze"), None)
    assert answer["statusCode"] == 200
    assert body_of(answer)["query_text"].endswith("très déçu")


def test_the_default_stage_has_no_prefix(handler):
    sent = event("http_health")
    sent["requestContext"]["stage"] = "$default"
    sent["requestContext"]["http"]["path"] = sent["rawPath"] = "/health"
    assert handler(sent, None)["statusCode"] == 200


def test_the_root_of_a_stage_is_a_route_like_any_other(handler):
    sent = event("http_health")
    sent["requestContext"]["http"]["path"] = sent["rawPath"] = "/prod"
    assert handler(sent, None)["statusCode"] == 404


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
def test_a_base_path_of_a_custom_domain_is_taken_off(handler, resource, path, proxy):
    sent = event("rest_health")
    sent.update(resource=resource, path=path, pathParameters={"proxy": proxy} if proxy else None)
    assert handler(sent, None)["statusCode"] == 200


def test_a_base_path_is_taken_off_before_an_id_that_takes_the_rest_of_the_path(handler):
    sent = event("rest_product")
    sent.update(
        path="/reviews-api/products/a/b",
        resource="/products/{product_id+}",
        pathParameters={"product_id": "a/b"},
    )
    assert body_of(handler(sent, None)) == {"name": "a/b"}


def test_an_id_with_a_slash_stays_whole(handler):
    sent = event("rest_product")
    sent.update(path="/products/a/b", resource="/products/{product_id}")
    assert body_of(handler(sent, None)) == {"name": "a/b"}


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_a_base64_body_is_decoded(handler, kind):
    sent = event(f"{kind}_analyze")
    sent.update(body=base64.b64encode(sent["body"].encode()).decode(), isBase64Encoded=True)
    assert "query_text" in body_of(handler(sent, None))


@pytest.mark.parametrize("kind", ["rest", "http"])
@pytest.mark.parametrize(
    ("body", "is_base64"), [("not base64 at all!", True), ("abc", True), ("\ud800", False)]
)
def test_a_body_that_cannot_be_decoded_is_the_callers_fault(handler, kind, body, is_base64):
    sent = event(f"{kind}_analyze")
    sent.update(body=body, isBase64Encoded=is_base64)
    answer = handler(sent, None)
    assert answer["statusCode"] == 400
    assert answer["headers"]["content-type"] == "application/problem+json"


def test_a_host_header_that_is_no_host_is_the_callers_fault(handler):
    sent = event("http_health")
    sent["headers"]["host"] = "a:b:c"
    assert handler(sent, None)["statusCode"] == 400


def test_problems_are_plain_text_in_the_gateways_answer(handler):
    sent = event("http_health")
    sent["requestContext"]["http"]["path"] = "/prod/nowhere"
    answer = handler(sent, None)
    assert (answer["statusCode"], body_of(answer)["code"]) == (404, "route_not_found")


def test_the_app_is_made_once_and_serves_every_thread():
    made = []

    def create():
        made.append(1)
        return make_app()

    handler = make_handler(create)
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(handler(event("rest_health"), None)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["statusCode"] for answer in answers] == [200] * 8
    assert len(made) == 1


def test_a_batch_reports_the_messages_that_failed():
    def batch(records):
        assert json.loads(records[0].body)["type"] == "build_index"
        assert records[0].receive_count == 1
        return [records[1].messageId]

    sent = event("sqs_build_index")
    answer = make_handler(make_app, batch=batch)(sent, None)
    failed = sent["Records"][1]["messageId"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": failed}]}


def test_one_message_that_raises_does_not_take_the_others_with_it():
    done = []

    def work(record):
        if record.messageId.endswith("0"):
            raise ValueError("this one is broken")
        done.append(record.messageId)

    sent = event("sqs_build_index")
    answer = make_handler(make_app, batch=lambda records: failed_ids(records, work))(sent, None)
    first, second = (record["messageId"] for record in sent["Records"])
    assert answer["batchItemFailures"] == [{"itemIdentifier": first}]
    assert done == [second]


def test_a_schedule_reaches_the_scheduled_function():
    seen = []
    handler = make_handler(make_app, scheduled=seen.append)
    assert handler(event("eventbridge_scheduled"), None) == {"status": "done"}
    assert seen[0]["detail-type"] == "Scheduled Event"


@pytest.mark.parametrize(
    "sent",
    [{}, {"Records": []}, {"Records": [{"eventSource": "aws:s3"}]}, {"source": "aws.events"}],
)
def test_an_event_of_no_known_kind_is_refused(handler, sent):
    with pytest.raises(InvalidInputError):
        handler(sent, None)
