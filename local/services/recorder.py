"""Records spans with OpenTelemetry, and sends them to a collector (OTLP over HTTP).

A span has the method, route, status, statement kind, operation or queue, and the correlation id:
never a path, query, body, parameter or text of an error, any of which may quote a review.
"""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import boto3
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from psycopg import sql

from local.services.routes import HEALTH, method_of, route_of
from shared.http.app import service_version
from shared.observability.correlation import ATTRIBUTE, correlation_id

_STOP_SECONDS = 3.0
"""Longest wait for a collector when a service stops."""
_SPAN = "reviewlens.span"
_W3C = TraceContextTextMapPropagator()
_FIRST_FAILED = 400
_FIRST_SERVER_ERROR = 500


class Events(Protocol):
    """The part of botocore's events that is used."""

    def register(self, event_name: str, handler: Any) -> None:
        """Call the handler at each event of this name."""


class SpanRecorder:
    """See shared.observability.tracing.Recorder."""

    def __init__(self, service: str) -> None:
        """Start the thread that sends spans, and watch AWS clients that are created from now on.

        The endpoint and all limits are those of OpenTelemetry's standard variables. A queue of
        limited length drops spans if the collector is too slow.

        Args:
            service: name of the service in its spans.

        Raises:
            ValueError: a variable of OpenTelemetry is invalid.
        """
        # repeated attempts are no news: one line says that a batch was lost
        logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)
        resource = Resource.create({SERVICE_NAME: service, SERVICE_VERSION: service_version()})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("reviewlens", service_version())
        boto3.setup_default_session()
        if boto3.DEFAULT_SESSION is not None:  # as it always is here
            self._watch(boto3.DEFAULT_SESSION.events)

    def close(self) -> None:
        """Send the spans that wait, for a few seconds at most, and stop."""
        boto3.setup_default_session()
        # an attempt that has begun cannot be interrupted
        thread = threading.Thread(target=self._provider.shutdown, daemon=True)
        thread.start()
        thread.join(_STOP_SECONDS)

    def trace(self, application: Any) -> Any:
        """An ASGI application whose requests are spans, except those for its health."""

        async def traced(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "http" or scope["path"] == HEALTH:
                await application(scope, receive, send)
                return
            method = method_of(scope)
            caller = _W3C.extract(_headers(scope), Context())
            with self._work(method, SpanKind.SERVER, caller) as span:
                span.set_attribute("http.request.method", method)

                async def watch(message: Any) -> None:
                    if message["type"] == "http.response.start":
                        _set_status(span, message["status"], _FIRST_SERVER_ERROR)
                    await send(message)

                try:
                    await application(scope, receive, watch)
                finally:
                    route = route_of(scope)
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)

        return traced

    @contextmanager
    def statement(self, query: Any) -> Iterator[None]:
        """See Recorder.statement."""
        kind = _first_word(query)
        if kind and _is_within_work():
            with self._work(kind, SpanKind.CLIENT) as span:
                span.set_attribute("db.system.name", "postgresql")
                span.set_attribute("db.operation.name", kind)
                _add_correlation(span)
                yield
        else:
            yield

    @contextmanager
    def batch(self, queue: str, attributes: Sequence[Mapping[str, Any]]) -> Iterator[None]:
        """See Recorder.batch; goes on with the trace of the messages if they have one in common."""
        senders = _senders(attributes)
        is_one = len(senders) == 1
        links = [] if is_one else [Link(each) for each in senders.values()]
        parent = Context()
        if is_one:
            parent = trace.set_span_in_context(trace.NonRecordingSpan(*senders.values()), parent)
        with self._work(f"process {queue}", SpanKind.CONSUMER, parent, links) as span:
            span.set_attribute("messaging.system", "aws_sqs")
            span.set_attribute("messaging.destination.name", queue)
            span.set_attribute("messaging.batch.message_count", len(attributes))
            yield

    def headers(self) -> Mapping[str, str]:
        """See Recorder.headers."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        carrier.pop("tracestate", None)  # a message may have ten attributes, and 256 KiB
        return carrier

    def log_fields(self) -> Mapping[str, str]:
        """See Recorder.log_fields."""
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return {}
        return {
            "trace_id": trace.format_trace_id(context.trace_id),
            "span_id": trace.format_span_id(context.span_id),
        }

    def correlate(self, correlation_id: str) -> None:
        """See Recorder.correlate."""
        trace.get_current_span().set_attribute(ATTRIBUTE, correlation_id)

    @contextmanager
    def _work(
        self,
        name: str,
        kind: SpanKind,
        parent: Context | None = None,
        links: Sequence[Link] = (),
    ) -> Iterator[Span]:
        """The current span of the block; an error of it is named by its type alone."""
        with self._tracer.start_as_current_span(
            name,
            parent,
            kind,
            links=links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except BaseException as error:
                _set_error(span, error)
                raise

    def _watch(self, events: Events) -> None:
        """Make a span of each AWS call within work: no event of botocore has a body."""

        def start(model: Any, context: dict[str, Any], **_: Any) -> None:
            if not _is_within_work():
                return
            service, operation = model.service_model.service_id, model.name
            span = self._tracer.start_span(f"{service}.{operation}", kind=SpanKind.CLIENT)
            span.set_attribute("rpc.system.name", "aws-api")
            span.set_attribute("rpc.method", f"{service}/{operation}")
            _add_correlation(span)
            context[_SPAN] = span

        def end(http_response: Any, context: dict[str, Any], **_: Any) -> None:
            if span := context.pop(_SPAN, None):
                _set_status(span, http_response.status_code, _FIRST_FAILED)
                span.end()

        def fail(exception: BaseException, context: dict[str, Any], **_: Any) -> None:
            if span := context.pop(_SPAN, None):
                _set_error(span, exception)
                span.end()

        events.register("before-call", start)
        events.register("after-call", end)
        events.register("after-call-error", fail)


def _is_within_work() -> bool:
    """Whether a request or message waits: polling and refreshing would be traces without end."""
    return trace.get_current_span().get_span_context().is_valid


def _add_correlation(span: Span) -> None:
    if current := correlation_id():
        span.set_attribute(ATTRIBUTE, current)


def _set_status(span: Span, status: int, first_error: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= first_error:
        span.set_status(StatusCode.ERROR)
        span.set_attribute("error.type", str(status))


def _set_error(span: Span, error: BaseException) -> None:
    span.set_status(StatusCode.ERROR)
    span.set_attribute("error.type", type(error).__qualname__)


def _headers(scope: Any) -> dict[str, str]:
    """The headers of the trace; of repeated ones, none counts (W3C)."""
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        if name in {b"traceparent", b"tracestate"}:
            found.setdefault(name.decode(), []).append(value.decode("latin-1"))
    if len(found.get("traceparent", ())) > 1:
        return {}
    return {name: ",".join(values) for name, values in found.items()}


def _senders(attributes: Sequence[Mapping[str, Any]]) -> dict[int, trace.SpanContext]:
    """Trace id → the span that sent the last message of that trace."""
    senders = {}
    for each in attributes:
        value = each.get("traceparent", {}).get("stringValue")
        if isinstance(value, str):
            context = _W3C.extract({"traceparent": value}, Context())
            sender = trace.get_current_span(context).get_span_context()
            if sender.is_valid:
                senders[sender.trace_id] = sender
    return senders


def _first_word(query: Any) -> str:
    """The kind of a statement, such as SELECT; empty for an empty one, which only pings."""
    while isinstance(query, sql.Composed):
        query = next(iter(query), "")
    if isinstance(query, sql.Composable):
        query = query.as_string(None)
    text = query.decode("utf-8", "replace") if isinstance(query, bytes) else str(query)
    with suppress(IndexError):
        return text.split(None, 1)[0].upper()
    return ""
