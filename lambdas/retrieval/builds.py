"""Index builds: queued on request, and run for a batch of queue messages."""

import logging
from collections.abc import Sequence
from contextlib import suppress

from pydantic import ValidationError

from lambdas.retrieval.dependencies import Dependencies
from shared.errors import (
    ConflictError,
    ReviewlensError,
    StorageFullError,
    UnavailableError,
    report_full_disk,
)
from shared.http.batches import SqsRecord, run_each
from shared.index import stops
from shared.schemas.api import Accepted
from shared.schemas.messages import BuildIndex

log = logging.getLogger(__name__)


def request_build(dependencies: Dependencies, *, force: bool = False) -> Accepted:
    """Answer POST /build_index: queue a build, which does nothing if nothing changed."""
    dependencies.index_queue.send([BuildIndex(reason="requested", force=force)])
    return Accepted(message="Index build started in the background")


def build_batch(dependencies: Dependencies, records: Sequence[SqsRecord]) -> list[str]:
    """Run one build for all messages of a batch.

    Returns:
        Ids of the failed messages: those that are not a BuildIndex, or all if the build failed.
    """
    failed = run_each(records, _parse)
    requests = [record for record in records if record.messageId not in failed]
    if requests:
        force = any(_parse(record).force for record in requests)
        if run_each(requests[:1], lambda _record: _build(dependencies, force=force)):
            failed += [record.messageId for record in requests]
    return failed


def _parse(record: SqsRecord) -> BuildIndex:
    try:
        return BuildIndex.model_validate_json(record.body)
    except ValidationError as error:
        raise ValueError("the message is not a build_index request") from error


def _record(dependencies: Dependencies, error: Exception) -> None:
    """Record why a build failed, for /health; without space even that may fail."""
    reason = error.message if isinstance(error, ReviewlensError) else type(error).__name__
    with suppress(ReviewlensError):
        stops.record(dependencies.artefacts, reason)


def _build(dependencies: Dependencies, *, force: bool) -> None:
    # only builds read Parquet: a process that only searches never loads pyarrow
    from shared.index.build import build_index

    try:
        with report_full_disk("the index cannot be built"):
            report = build_index(dependencies.artefacts, force=force)
    except (UnavailableError, ConflictError) as error:
        if isinstance(error, StorageFullError):
            _record(dependencies, error)
        raise  # the next attempt may succeed; after the last one there is a dead letter
    except Exception as error:
        _record(dependencies, error)
        raise
    log.info(
        "index build: %s, version %s, %d reviews of %d shards, %d shards skipped",
        report.outcome,
        report.version,
        report.count,
        report.shards,
        len(report.skipped),
    )
