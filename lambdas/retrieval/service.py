"""Finds similar reviews, and keeps the index that they are found in up to date."""

import logging
from collections.abc import Sequence

from pydantic import ValidationError

from lambdas.retrieval.dependencies import Dependencies
from shared.errors import UnavailableError
from shared.http.app import service_version
from shared.http.entry import SqsRecord, run_each
from shared.index import stops
from shared.schemas.api import Accepted, SearchRequest, SearchResponse
from shared.schemas.health import Check, Health, worst_status
from shared.schemas.messages import BuildIndex
from shared.serving.answers import IMAGE_IGNORED, NO_INDEX, TEXT_TRUNCATED, search_result
from shared.serving.snapshots import Snapshot
from shared.serving.state import serving_health

log = logging.getLogger(__name__)
NAME = "retrieval"


def search(snapshot: Snapshot, request: SearchRequest) -> SearchResponse:
    """Answer POST /search_similar from one model and its index."""
    warnings = request.unknown_field_warnings()
    if request.image_url is not None:
        warnings.append(IMAGE_IGNORED)
    index = snapshot.index
    results = []
    if index is None:
        warnings.append(NO_INDEX)
    else:
        encoded = snapshot.encoder.encode([request.query_text])
        if encoded.truncated[0]:
            warnings.append(TEXT_TRUNCATED)
        hits = index.search(encoded.embeddings[0], request.top_k, request.filters)
        results = [search_result(hit) for hit in hits]
    return SearchResponse(
        results=results,
        model_version=snapshot.encoder.version,
        index_version=index.version if index else None,
        warnings=warnings,
    )


def health(dependencies: Dependencies) -> Health:
    """Answer GET /health; ``index_build`` is there while the last build stopped."""
    health = serving_health(NAME, service_version(), dependencies.state)
    try:
        stopped = stops.read(dependencies.artefacts)
    except UnavailableError:  # serving goes on without S3
        return health
    if stopped is None:
        return health
    detail = f"the index build stopped ({stopped.since:%Y-%m-%d %H:%M} UTC): {stopped.reason}"
    checks = {**health.checks, "index_build": Check(status="degraded", detail=detail)}
    return health.model_copy(update={"checks": checks, "status": worst_status(checks)})


def request_build(dependencies: Dependencies, *, force: bool = False) -> Accepted:
    """Answer POST /build_index: the build is queued, and does nothing if nothing changed."""
    dependencies.index_queue.send([BuildIndex(reason="requested", force=force)])
    return Accepted(message="Index build started in the background")


def build_batch(dependencies: Dependencies, records: Sequence[SqsRecord]) -> list[str]:
    """Do the builds that a batch of messages asks for: one build answers all of them.

    Returns:
        Ids of the messages that failed: those that are no BuildIndex, and all when the build did.
    """
    failed = run_each(records, _parse)
    asked = [record for record in records if record.messageId not in failed]
    if asked:
        force = any(_parse(record).force for record in asked)
        done = run_each(asked[:1], lambda _record: _build(dependencies, force=force))
        failed += [record.messageId for record in asked] if done else []
    return failed


def _parse(record: SqsRecord) -> BuildIndex:
    try:
        return BuildIndex.model_validate_json(record.body)
    except ValidationError as error:
        raise ValueError("the message is no build_index") from error


def _build(dependencies: Dependencies, *, force: bool) -> None:
    # only a build reads Parquet: a process that searches never loads pyarrow
    from shared.index.build import build_index

    report = build_index(dependencies.artefacts, force=force)
    log.info(
        "index build: %s, version %s, %d reviews of %d shards, %d shards left out",
        report.outcome,
        report.version,
        report.count,
        report.shards,
        len(report.skipped),
    )
