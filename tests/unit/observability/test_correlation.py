"""One id from the gateway, or from S3, through logs, messages and statements to the answer."""

import json
import logging

import pytest
from psycopg import sql

from lambdas.collection.arrivals import upload_id
from shared.db.comments import _commented
from shared.http.app import create_service
from shared.http.batches import SqsRecord, run_each, sqs_records
from shared.http.entry import make_handler
from shared.observability.correlation import correlate, correlation_id
from shared.observability.logs import JsonFormatter
from shared.schemas.health import Health
from shared.schemas.messages import BuildIndex
from shared.storage.queues import SqsQueue
from tests.functional.lambda_runtime.conftest import event

REQUEST = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


class Sqs:
    """Keeps the entries of batches."""

    def __init__(self):
        self.entries = []

    def send_message_batch(self, **request):
        self.entries += request["Entries"]
        return {}


def app(seen):
    service = create_service("retrieval", title="t", health=lambda: Health(status="ok"))

    @service.get("/products")
    def products():
        seen.append(correlation_id())
        return {}

    return service


def test_the_request_of_the_gateway_has_its_id_in_the_work_and_in_the_answer():
    seen = []
    handler = make_handler(lambda: app(seen))
    request = event("rest_products")
    request["requestContext"]["requestId"] = REQUEST
    answer = handler(request, None)
    assert seen == [REQUEST]
    headers = {**answer.get("headers", {}), **answer.get("multiValueHeaders", {})}
    assert headers["x-correlation-id"] in (REQUEST, [REQUEST])
    assert correlation_id() is None


def test_two_requests_on_one_machine_have_ids_of_their_own():
    from starlette.testclient import TestClient

    seen = []
    client = TestClient(app(seen), base_url="http://localhost")
    answers = [client.get("/products"), client.get("/unknown"), client.get("/products")]
    ids = [answer.headers["x-correlation-id"] for answer in answers]
    assert len(set(ids)) == 3
    assert seen == [ids[0], ids[2]]


def test_a_message_carries_the_id_on_to_the_work_on_it():
    sqs = Sqs()
    with correlate(REQUEST):
        SqsQueue(sqs, "url").send([BuildIndex(reason="a test")])
    (entry,) = sqs.entries
    attribute = entry["MessageAttributes"]["correlation_id"]
    assert attribute == {"DataType": "String", "StringValue": REQUEST}
    record = event("sqs_s3_object_created")["Records"][0]
    received = {"correlation_id": {"stringValue": REQUEST, "dataType": "String"}}
    records = sqs_records({"Records": [{**record, "messageAttributes": received}]})
    seen = []
    assert run_each(records, lambda _record: seen.append(correlation_id())) == []
    assert seen == [REQUEST]


def test_a_message_without_one_has_its_own():
    sqs, seen = Sqs(), []
    SqsQueue(sqs, "url").send([BuildIndex(reason="a test")])
    assert "MessageAttributes" not in sqs.entries[0]
    message = SqsRecord(messageId="059f36b4-87a3-44ab-83d2-661975830a7d", body="")
    run_each([message], lambda _record: seen.append(correlation_id()))
    assert seen == [message.messageId]


@pytest.mark.parametrize("name", ["sqs_s3_object_created", "sqs_sns_object_created"])
def test_an_object_has_the_id_of_the_request_that_stored_it(name):
    assert upload_id(event(name)["Records"][0]["body"]) == "C3D13FE58DE4C810"


def test_an_event_of_eventbridge_has_it_as_well():
    body = {
        "source": "aws.s3",
        "detail": {"object": {"key": "a"}, "request-id": "C3D13FE58DE4C810"},
    }
    assert upload_id(json.dumps(body)) == "C3D13FE58DE4C810"
    assert upload_id('{"Records": []}') is None


@pytest.mark.parametrize("bad", [None, "", 7, "*/ DROP TABLE x; /*", "a\r\nb", "x" * 65, "short"])
def test_an_id_that_could_do_harm_is_replaced(bad):
    with correlate(bad) as chosen:
        assert chosen not in (bad, "")
        assert _commented("SELECT 1") == f"/* {chosen} */ SELECT 1".encode()


def test_statements_of_every_kind_have_the_comment():
    with correlate(REQUEST):
        assert _commented(b"SELECT 1") == f"/* {REQUEST} */ SELECT 1".encode()
        composed = sql.SQL("SELECT {}").format(sql.Identifier("a"))
        assert _commented(composed).as_string() == f'/* {REQUEST} */ SELECT "a"'
    assert _commented("SELECT 1") == "SELECT 1"


def test_a_log_line_has_it():
    record = logging.makeLogRecord({"msg": "text", "levelname": "INFO"})
    with correlate(REQUEST):
        assert json.loads(JsonFormatter("s").format(record))["correlation_id"] == REQUEST
    assert "correlation_id" not in json.loads(JsonFormatter("s").format(record))
