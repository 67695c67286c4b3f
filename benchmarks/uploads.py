"""One dump through the whole stack, and when it got where."""

import time
from dataclasses import dataclass
from pathlib import Path

from local.stack.client import StackClient
from local.stack.uploads import plan_uploads, send

_PAUSE = 0.2
_PATIENCE = 3600.0


@dataclass(frozen=True)
class Passage:
    """Seconds since the upload began, and how many reviews got through."""

    uploaded: float
    collected: float
    processed: float
    searchable: float
    stored: int
    read: int


def ingest(client: StackClient, path: Path) -> Passage:
    """Upload a dump and wait until its reviews answer searches.

    Raises:
        RuntimeError: the ingest failed, or takes more than an hour.
    """
    started = time.monotonic()

    def since() -> float:
        return time.monotonic() - started

    ingest_id = send(client.s3, plan_uploads([path])[0], lambda _bytes: None)
    uploaded, collected = since(), 0.0
    while True:
        report = client.report(ingest_id) or {"status": "received"}
        if report["status"] == "failed":
            raise RuntimeError(f"the ingest failed: {report['error_code']}")
        if not collected and report["status"] in {"collected", "processed"}:
            collected = since()
        if report["status"] == "processed" and report["shards_processed"] >= report["shards"]:
            break
        if since() > _PATIENCE:
            raise RuntimeError(f"the ingest is still {report['status']}")
        time.sleep(_PAUSE)
    processed = since()
    while not client.indexed({ingest_id: report["shards"]}):
        if since() > _PATIENCE:
            raise RuntimeError("no index with these reviews came")
        time.sleep(_PAUSE)
    return Passage(uploaded, collected, processed, since(), report["stored"], report["rows_read"])
