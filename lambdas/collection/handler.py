"""Lambda entry of collection: S3 events by queue, the sweep by schedule, HTTP by API Gateway."""

from collections.abc import Sequence
from typing import Any

from lambdas.collection.api import create_app
from lambdas.collection.arrivals import arrivals_of
from lambdas.collection.dependencies import build_dependencies
from lambdas.collection.service import Collector
from lambdas.collection.settings import CollectionSettings
from lambdas.collection.sweep import sweep
from shared.http.entry import SqsRecord, failed_ids, make_handler


def _batch(records: Sequence[SqsRecord]) -> list[str]:
    collector = Collector(build_dependencies(CollectionSettings()))

    def work(record: SqsRecord) -> None:
        for arrival in arrivals_of(record.body):
            collector.collect(arrival)

    return failed_ids(records, work)


def _scheduled(event: dict[str, Any]) -> None:
    detail = event.get("detail") or {}
    force = isinstance(detail, dict) and detail.get("force") is True
    sweep(build_dependencies(CollectionSettings()), force=force)


handler = make_handler(create_app, batch=_batch, scheduled=_scheduled)
