"""Traces of a service, as a collector gets them."""

import json
import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio
import boto3
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from psycopg.sql import SQL, Identifier

from local.services.traces import traces
from local.stack.event_source import EventSource, Mapping
from shared.http.app import create_service
from shared.http.batches import run_each
from shared.http.entry import make_handler
from shared.observability.logs import JsonFormatter
from shared.observability.tracing import recorder
from shared.schemas.health import Health
from shared.schemas.messages import QueueMessage
from shared.storage.queues import SqsQueue

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"
TEXT = "The hinge snapped at once"
SERVER, CLIENT, CONSUMER = 2, 3, 5
FAILED = 2
log = logging.getLogger(__name__)


class Collector:
    """A collector on loopback: keeps what it gets."""

    def __init__(self):
        self.bodies = []
        self.answer = threading.Event()
        self.answer.set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.bodies.append((self.path, body))
                collector.answer.wait()
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def spans(self):
        """Name of a span → the span; the name of the service is among its attributes."""
        spans = {}
        for path, body in self.bodies:
            assert path == "/v1/traces"
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = attributes(group.resource)
                for scope in group.scope_spans:
                    for span in scope.spans:
                        assert span.name not in spans
                        spans[span.name] = span
                        span.attributes.extend(
                            each for each in group.resource.attributes if each.key == "service.name"
                        )
                assert resource["service.name"]
        return spans

    def close(self):
        self.answer.set()
        self._server.shutdown()
        self._server.server_close()


def attributes(span):
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


@pytest.fixture
def collector(monkeypatch):
    collector = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    yield collector
    collector.close()


@pytest.fixture
def queue(new_queue, aws_endpoint):
    """A queue, with a client that is created after tracing starts, as those of services are."""
    url = new_queue()

    def client():
        return boto3.client(
            "sqs",
            endpoint_url=aws_endpoint,
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    return client, url


def application(database=None, send=None):
    app = create_app()

    @app.get("/reviewers/{name}")
    def reviewer(name: str):
        return {}

    @app.post("/reviews")
    def add():
        log.warning("stores a review")
        with database.transaction() as connection:
            connection.execute(SQL("CREATE TEMPORARY TABLE {} (t text)").format(Identifier("seen")))
            connection.execute("INSERT INTO seen VALUES (%s)", (TEXT,))
        send()
        raise ValueError(TEXT)

    return app


def create_app():
    health = Health(status="ok", service="insights", version="1", checks={})
    return create_service("insights", title="Test", health=lambda: health)


def ask(app, method, path, **arguments):
    async def send():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.request(method, path, **arguments)

    return anyio.run(send)


class Work(QueueMessage):
    """A message."""


def test_a_request_goes_on_with_the_trace_of_its_caller_up_to_the_worker(
    collector, database, queue, caplog
):
    caplog.handler.setFormatter(JsonFormatter("insights"))
    make_client, url = queue
    delivered = []
    with traces("insights") as traced:
        sqs = make_client()
        app = traced(application(database, lambda: SqsQueue(sqs, url).send([Work()])))
        path = f"/reviews?text={TEXT}"
        headers = {"traceparent": TRACEPARENT, "authorization": "Bearer s3cret"}
        answer = ask(app, "POST", path, json={"text": TEXT}, headers=headers)
        handler = make_handler(
            create_app, batch=lambda records: run_each(records, delivered.append)
        )

        def work(event, context):
            with recorder().batch("collection", [r["messageAttributes"] for r in event["Records"]]):
                return handler(event, context)

        source = EventSource(sqs, Mapping(url, "arn:aws:sqs:eu-west-1:1:q"), work, "worker")
        source.deliver(source._collect_batch())
    assert answer.status_code == 500
    assert len(delivered) == 1
    spans = collector.spans()
    # polling belongs to no work
    children = {"CREATE", "INSERT", "SQS.SendMessageBatch"}
    assert spans.keys() == {"POST /reviews", "process collection", *children}
    request, process = spans["POST /reviews"], spans["process collection"]
    correlation = answer.headers["x-correlation-id"]
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, CALLER)
    assert (request.kind, request.status.code) == (SERVER, FAILED)
    assert attributes(request) == {
        "http.request.method": "POST",
        "http.route": "/reviews",
        "http.response.status_code": 500,
        "error.type": "500",
        "correlation_id": correlation,
        "service.name": "reviewlens-insights",
    }
    for name in children:
        assert spans[name].parent_span_id == request.span_id, name
        assert spans[name].kind == CLIENT
        assert attributes(spans[name])["correlation_id"] == correlation
    assert process.trace_id == request.trace_id
    assert process.parent_span_id == request.span_id
    assert process.kind == CONSUMER
    assert attributes(process)["correlation_id"] == correlation
    sent = b"".join(body for _, body in collector.bodies)
    for secret in (b"hinge", b"s3cret", b"seen"):
        assert secret not in sent
    lines = [json.loads(line) for line in caplog.text.splitlines() if line.startswith("{")]
    (line,) = (each for each in lines if each["message"] == "stores a review")
    assert (line["trace_id"], line["span_id"]) == (TRACE, request.span_id.hex())
    assert line["correlation_id"] == correlation


def test_a_path_is_in_no_span_and_health_is_none(collector):
    with traces("insights") as traced:
        app = traced(application())
        assert ask(app, "GET", "/reviewers/someone").json() == {}
        assert ask(app, "GET", "/nothing/someone").status_code == 404
        assert ask(app, "GET", "/health").status_code == 200
        assert ask(app, "INVENTED", "/someone").status_code == 404
    spans = collector.spans()
    assert spans.keys() == {"GET /reviewers/{name}", "GET other", "other other"}
    assert b"someone" not in b"".join(body for _, body in collector.bodies)


def test_the_trace_of_a_caller_who_repeats_or_damages_it_starts_anew(collector):
    with traces("insights") as traced:
        app = traced(application())
        twice = [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)]
        assert ask(app, "GET", "/reviewers/a", headers=twice).status_code == 200
        damaged = {"traceparent": f"00-{'0' * 32}-{CALLER}-01", "tracestate": b"=,\xe9;" * 50}
        assert ask(app, "GET", "/none", headers=damaged).status_code == 404
    spans = collector.spans()
    assert len(spans) == 2
    for span in spans.values():
        assert span.parent_span_id == b""
        assert span.trace_id.hex() != TRACE


def test_messages_of_several_traces_are_links(collector):
    other = f"00-{'1' * 32}-{CALLER}-01"
    values = [TRACEPARENT, other, other, "00-none", None]
    messages = [{"traceparent": {"stringValue": value}} for value in values]
    with traces("worker"), recorder().batch("index", [*messages, {}]):
        pass
    span = collector.spans()["process index"]
    assert {link.trace_id.hex() for link in span.links} == {TRACE, "1" * 32}
    assert span.parent_span_id == b""
    assert attributes(span)["messaging.batch.message_count"] == 6


def test_a_collector_that_does_not_answer_delays_neither_a_request_nor_the_stop(
    collector, monkeypatch
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100000")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "2")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    monkeypatch.setattr("local.services.recorder._STOP_SECONDS", 0.1)
    collector.answer.clear()
    with traces("insights") as traced:
        app = traced(application())
        for _ in range(20):
            assert ask(app, "GET", "/reviewers/a").status_code == 200
    assert not collector.answer.is_set()


def test_no_collector_fails_no_request(monkeypatch, database):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setattr("local.services.recorder._STOP_SECONDS", 0.1)
    with traces("insights") as traced:
        assert ask(traced(application(database)), "GET", "/reviewers/a").status_code == 200
