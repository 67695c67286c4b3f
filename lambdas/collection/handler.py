"""Lambda entry of collection: S3 events from a queue, the scheduled sweep, and HTTP."""

from collections.abc import Sequence
from typing import Any

from lambdas.collection.api import create_app
from lambdas.collection.arrivals import parse_arrivals
from lambdas.collection.dependencies import build_dependencies
from lambdas.collection.service import Collector
from lambdas.collection.sweep import sweep
from shared.http.entry import SqsRecord, make_handler, run_each


def _batch(records: Sequence[SqsRecord]) -> list[str]:
    collector = Collector(build_dependencies())

    def collect_all(record: SqsRecord) -> None:
        for arrival in parse_arrivals(record.body):
            collector.collect(arrival)

    return run_each(records, collect_all)


def _scheduled(event: dict[str, Any]) -> None:
    detail = event.get("detail") or {}
    force = isinstance(detail, dict) and detail.get("force") is True
    sweep(build_dependencies(), force=force)


handler = make_handler(create_app, batch=_batch, scheduled=_scheduled)
