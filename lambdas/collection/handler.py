"""Lambda entry of collection: S3 events (queued or direct), the scheduled sweep, and HTTP."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lambdas.collection.api import create_app
from lambdas.collection.arrivals import Arrival, parse_arrivals, upload_id
from lambdas.collection.bulk.steps import run_step
from lambdas.collection.dependencies import build_dependencies
from lambdas.collection.exclude.worker import remove_excluded
from lambdas.collection.messages import own_message
from lambdas.collection.pictures import record_pictures
from lambdas.collection.service import Collector
from lambdas.collection.sweep import sweep
from lambdas.collection.undo.worker import undo_ingest
from shared.errors import WaitingError
from shared.http.batches import SqsRecord, run_each
from shared.http.entry import make_handler
from shared.observability.correlation import correlate, correlation_id
from shared.schemas.messages import PicturesFetched, RemoveExcluded, UndoIngest

log = logging.getLogger(__name__)


def _batch(records: Sequence[SqsRecord]) -> list[str]:
    dependencies = build_dependencies()
    collector = Collector(dependencies)

    def work(record: SqsRecord) -> None:
        match own_message(record.body):
            case UndoIngest() as undo:
                with _continued_by_the_sweep(record):
                    undo_ingest(dependencies, undo.ingest_id)
            case RemoveExcluded() as removal:
                with _continued_by_the_sweep(record):
                    remove_excluded(dependencies, removal.exclusion_id)
            case PicturesFetched() as fetched:
                record_pictures(dependencies, fetched)
            case None:
                with correlate(record.correlation_id, upload_id(record.body), record.messageId):
                    for arrival in parse_arrivals(record.body):
                        collector.collect(arrival)

    return run_each(records, work)


@contextmanager
def _continued_by_the_sweep(record: SqsRecord) -> Iterator[None]:
    """Give up a message that only waited, in place of a dead letter and its alarm.

    The ledger has its work as unfinished, so that the sweep queues it again.
    """
    try:
        yield
    except WaitingError as error:
        if not record.is_last:
            raise
        log.info("message %s is left to the sweep: %s", record.messageId, error.message)


def _direct(event: dict[str, Any]) -> None:
    """Collect the objects of an event that did not pass through the queue."""
    body = json.dumps(event)
    arrivals = parse_arrivals(body)
    if arrivals:
        collector = Collector(build_dependencies())
        with correlate(upload_id(body), correlation_id()):
            failures = list(filter(None, (_collect(collector, arrival) for arrival in arrivals)))
        if failures:
            raise failures[0]  # Lambda repeats an asynchronous invocation


def _collect(collector: Collector, arrival: Arrival) -> Exception | None:
    try:
        collector.collect(arrival)
    except WaitingError as error:
        log.info("object %s waits: %s", arrival.key, error.message)
        return error
    except Exception as error:
        log.exception("object %s was not collected", arrival.key)
        return error
    return None


def _scheduled(event: dict[str, Any]) -> None:
    detail = event.get("detail") or {}
    force = isinstance(detail, dict) and detail.get("force") is True
    sweep(build_dependencies(), force=force)


def _step(event: dict[str, Any]) -> dict[str, Any]:
    return run_step(build_dependencies(), event)


handler = make_handler(create_app, batch=_batch, scheduled=_scheduled, direct=_direct, step=_step)
