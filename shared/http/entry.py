"""Lambda handlers for queue batches, schedules, and API Gateway requests through Mangum."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from shared.errors import InvalidInputError
from shared.http.backoff import delay_retries
from shared.http.batches import Batch, SqsRecord, run_batch, sqs_records
from shared.http.collector import freeze_heap
from shared.http.deadline import invocation
from shared.http.gateway import malformed_response, strip_base_path
from shared.http.linger import Settle, start_lingering
from shared.observability.correlation import correlate

log = logging.getLogger(__name__)
Handler = Callable[[dict[str, Any], Any], Any]
_INITIALIZATION_TYPE = "AWS_LAMBDA_INITIALIZATION_TYPE"
_PREPARED_TYPES = frozenset({"provisioned-concurrency", "snap-start"})


class _Http:
    """Mangum adapter of the app, created at the first HTTP event; thread-safe."""

    def __init__(self, create_app: Callable[[], FastAPI]) -> None:
        self._create_app = create_app
        self._lock = threading.Lock()
        self._mangum: Mangum | None = None
        self._local = threading.local()

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        if not hasattr(self._local, "loop"):
            self._local.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._local.loop)
        adapter = self._adapter()
        try:
            return adapter(strip_base_path(event), context)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # The app handles its own errors: these come from an event that Mangum cannot read.
            return malformed_response(error)

    def _adapter(self) -> Mangum:
        with self._lock:
            if self._mangum is None:
                text_types = [
                    *("application/problem+json", "application/json", "text/"),
                    "application/x-amz-json-1.1",
                ]
                self._mangum = Mangum(
                    self._create_app(), lifespan="off", text_mime_types=text_types
                )
                freeze_heap()
            return self._mangum


def _correlated(handle: Handler) -> Handler:
    """Give the work of each invocation the id of its event, or else that of the invocation."""

    def handle_with_id(event: dict[str, Any], context: Any) -> Any:
        with correlate(*_origins(event), getattr(context, "aws_request_id", None)):
            return handle(event, context)

    return handle_with_id


def _origins(event: dict[str, Any]) -> tuple[object, ...]:
    """Ids by which senders know an event: API Gateway, EventBridge, the flow of a huge dump."""
    request, job = event.get("requestContext"), event.get("job")
    asked = request.get("requestId") if isinstance(request, dict) else None
    ingest = job.get("ingest_id") if isinstance(job, dict) else None
    return asked, event.get("id"), ingest


def _prepare(warm: Callable[[], object]) -> None:
    try:
        warm()
    except Exception:
        # the first request tries again and reports the error
        log.exception("the function could not be prepared")


def make_handler(
    create_app: Callable[[], FastAPI],
    *,
    batch: Batch | None = None,
    scheduled: Callable[[dict[str, Any]], object] | None = None,
    direct: Callable[[dict[str, Any]], object] | None = None,
    step: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    warm: Callable[[], object] | None = None,
    settle: Settle | None = None,
    delay: Callable[[Sequence[SqsRecord]], object] = delay_retries,
) -> Handler:
    """Create the ``handler(event, context)`` of one function.

    Args:
        create_app: creates the HTTP app; called once, at the first HTTP event.
        batch: processes the records of an SQS batch and returns the ids of the failed messages;
            only those are delivered again.
        scheduled: processes an EventBridge event (``source`` is ``aws.events``).
        direct: processes any other event without ``requestContext``, or raises InvalidInputError.
        step: runs a step of a state machine (the event has a ``step``); its result is returned.
        warm: loads what the first request would wait for; called immediately if Lambda prepares
            the process before the first request (provisioned concurrency, SnapStart).
        settle: waits until work in the background has ended; Lambda freezes the process only
            afterwards.
        delay: decides when failed messages of a batch are delivered again.

    Returns:
        The handler. It raises InvalidInputError for an unsupported event.
    """
    http = _Http(create_app)
    if warm is not None and os.environ.get(_INITIALIZATION_TYPE) in _PREPARED_TYPES:
        _prepare(warm)

    def handle(event: dict[str, Any], context: Any) -> Any:
        records = sqs_records(event)
        if records is not None and batch is not None:
            with invocation(context):
                return run_batch(records, batch, delay)
        if event.get("source") == "aws.events" and scheduled is not None:
            scheduled(event)
            return {"status": "done"}
        if isinstance(event.get("requestContext"), dict):
            return http(event, context)
        if step is not None and "step" in event:
            with invocation(context):
                return step(event)
        if direct is not None:
            with invocation(context):
                direct(event)
            return {"status": "done"}
        raise InvalidInputError("the function does not support events of this kind")

    if settle is None:
        return _correlated(handle)
    respond = start_lingering(settle)

    def handle_and_respond(event: dict[str, Any], context: Any) -> Any:
        try:
            return handle(event, context)
        finally:
            respond()

    return _correlated(handle_and_respond)
