"""The Lambda entry of a function: queue batches, schedules, and API Gateway through Mangum."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from shared.errors import InvalidInputError
from shared.http.collector import settle
from shared.http.gateway import malformed, normalised

log = logging.getLogger(__name__)
Handler = Callable[[dict[str, Any], Any], Any]
_INITIALIZATION = "AWS_LAMBDA_INITIALIZATION_TYPE"
_AHEAD = frozenset({"provisioned-concurrency", "snap-start"})


@dataclass(frozen=True, slots=True)
class SqsRecord:
    """One message of a batch, under the names that AWS uses."""

    messageId: str  # noqa: N815 - the name AWS uses
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def receive_count(self) -> int:
        """How often the message was handed out, this time included."""
        return int(self.attributes.get("ApproximateReceiveCount", "1"))


def failed_ids(records: Iterable[SqsRecord], work: Callable[[SqsRecord], object]) -> list[str]:
    """Do each record's work by itself; the ids of those that raised (logged) come back."""
    failed = []
    for record in records:
        try:
            work(record)
        except Exception:
            log.exception("message %s failed", record.messageId)
            failed.append(record.messageId)
    return failed


def _sqs_records(event: Mapping[str, Any]) -> list[SqsRecord] | None:
    records = event.get("Records")
    if not isinstance(records, list) or not records:
        return None
    if any(entry.get("eventSource") != "aws:sqs" for entry in records):
        return None
    return [
        SqsRecord(entry["messageId"], entry["body"], entry.get("attributes") or {})
        for entry in records
    ]


class _Http:
    """Mangum over the app, made when the first HTTP event comes; usable from any thread."""

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
            return adapter(normalised(event), context)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # The app answers for its own errors; only an event that Mangum cannot read ends here.
            return malformed(error)

    def _adapter(self) -> Mangum:
        with self._lock:
            if self._mangum is None:
                text = ["application/problem+json", "application/json", "text/"]
                self._mangum = Mangum(self._create_app(), lifespan="off", text_mime_types=text)
                settle()
            return self._mangum


def _prepare(warm: Callable[[], object]) -> None:
    try:
        warm()
    except Exception:
        # the first request tries again, and says what is wrong
        log.exception("not prepared")


def make_handler(
    create_app: Callable[[], FastAPI],
    *,
    batch: Callable[[Sequence[SqsRecord]], list[str]] | None = None,
    scheduled: Callable[[dict[str, Any]], object] | None = None,
    warm: Callable[[], object] | None = None,
) -> Handler:
    """Make ``handler(event, context)`` of one function.

    Args:
        create_app: Makes the HTTP app; called once, on the first HTTP event.
        batch: Takes the records of an SQS batch and returns the ids of the messages that failed,
            which alone are delivered again.
        scheduled: Takes an EventBridge event (``source`` is ``aws.events``).
        warm: Loads what the first request would wait for; called at once where Lambda prepares a
            process before there are requests (provisioned concurrency, SnapStart).

    Returns:
        The handler. It raises InvalidInputError for an event of no kind that the function takes.
    """
    http = _Http(create_app)
    if warm is not None and os.environ.get(_INITIALIZATION) in _AHEAD:
        _prepare(warm)

    def handler(event: dict[str, Any], context: Any) -> Any:
        records = _sqs_records(event)
        if records is not None and batch is not None:
            return {"batchItemFailures": [{"itemIdentifier": name} for name in batch(records)]}
        if event.get("source") == "aws.events" and scheduled is not None:
            scheduled(event)
            return {"status": "done"}
        if isinstance(event.get("requestContext"), dict):
            return http(event, context)
        raise InvalidInputError("the function takes no event of this kind")

    return handler
