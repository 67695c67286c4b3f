"""Ingests one dump into a stack and measures each step."""

import time
from dataclasses import dataclass
from pathlib import Path

from local.dumps import plan_uploads
from local.stack.client import StackClient
from local.stack.uploads import send
from reviewlens.models import IngestStatus

_POLL_SECONDS = 0.2
_TIMEOUT_SECONDS = 3600.0


@dataclass(frozen=True)
class IngestTiming:
    """Seconds from the start of the upload to each step, and counts of rows."""

    uploaded: float
    collected: float
    processed: float
    searchable: float
    stored: int
    read: int


def ingest(client: StackClient, path: Path) -> IngestTiming:
    """Upload a dump and wait until its reviews can be searched.

    Raises:
        RuntimeError: the ingest failed or took more than an hour.
    """
    started = time.monotonic()

    def elapsed() -> float:
        return time.monotonic() - started

    ingest_id = send(client.s3, plan_uploads([path])[0], lambda _bytes: None)
    uploaded, collected = elapsed(), 0.0
    while True:
        report = client.report(ingest_id)
        status = report.status if report else IngestStatus.RECEIVED
        if report and status is IngestStatus.FAILED:
            raise RuntimeError(f"the ingest failed: {report.error_code}")
        if not collected and (status is IngestStatus.COLLECTED or status.is_processed):
            collected = elapsed()
        is_processed = status.is_processed
        if (
            report
            and is_processed
            and report.shards_processed + report.shards_failed >= report.shards
        ):
            break
        if elapsed() > _TIMEOUT_SECONDS:
            raise RuntimeError(f"the ingest is still {status}")
        time.sleep(_POLL_SECONDS)
    processed = elapsed()
    while not client.indexed({ingest_id: report.shards}):
        if elapsed() > _TIMEOUT_SECONDS:
            raise RuntimeError("no index with these reviews was built")
        time.sleep(_POLL_SECONDS)
    return IngestTiming(uploaded, collected, processed, elapsed(), report.stored, report.rows_read)
