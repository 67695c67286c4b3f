"""Searches similar reviews, and reports the health of search and index builds."""

from lambdas.retrieval.dependencies import Dependencies
from shared.errors import UnavailableError
from shared.http.app import service_version
from shared.http.ranking import Ranking
from shared.index import stops
from shared.schemas.api import SearchRequest, SearchResponse, SearchResult
from shared.schemas.health import Check, Health, worst_status
from shared.serving.answers import (
    IMAGE_IGNORED,
    NO_INDEX,
    TEXT_TRUNCATED,
    reason_not_understood,
    search_result,
)
from shared.serving.snapshots import Snapshot
from shared.serving.state import serving_health

NAME = "retrieval"


def search(snapshot: Snapshot, request: SearchRequest) -> SearchResponse:
    """Answer POST /search_similar from one model and its index."""
    warnings = [*request.unknown_field_warnings(), *snapshot.warnings]
    if request.image_url is not None:
        warnings.append(IMAGE_IGNORED)
    index, next_cursor = snapshot.index, None
    results: list[SearchResult] = []
    if index is None:
        warnings.append(NO_INDEX)
    else:
        encoded = snapshot.encoder.encode([request.query_text])
        if encoded.truncated[0]:
            warnings.append(TEXT_TRUNCATED)
        if reason := reason_not_understood(request.query_text, encoded.unknown_shares[0]):
            warnings.append(f"results may be unrelated: {reason}")
        hits = index.search(encoded.embeddings[0], request.top_k, request.filters)
        ranking = Ranking(request.query_text, request.top_k, request.filters, index.version)
        results, next_cursor = ranking.page([search_result(hit) for hit in hits], request.cursor)
    return SearchResponse(
        results=results,
        model_version=snapshot.encoder.version,
        index_version=index.version if index else None,
        next_cursor=next_cursor,
        warnings=warnings,
    )


def health(dependencies: Dependencies) -> Health:
    """Answer GET /health, with a check ``index_build`` if the last build stopped."""
    health = serving_health(NAME, service_version(), dependencies.state)
    try:
        stopped = stops.read(dependencies.artefacts)
    except UnavailableError:  # serving continues without S3
        return health
    if stopped is None:
        return health
    detail = f"the index build stopped ({stopped.since:%Y-%m-%d %H:%M} UTC): {stopped.reason}"
    checks = {**health.checks, "index_build": Check(status="degraded", detail=detail)}
    return health.model_copy(update={"checks": checks, "status": worst_status(checks)})
