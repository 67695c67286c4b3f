"""Searches similar reviews, and reports the health of search and index builds."""

from lambdas.retrieval.dependencies import Dependencies
from shared.errors import InvalidInputError, UnavailableError
from shared.http.app import service_version
from shared.http.ranking import Ranking
from shared.index import stops
from shared.schemas.health import Check, Health, worst_status
from shared.schemas.review_pictures import ReviewPicturesRequest, ReviewPicturesResponse
from shared.schemas.search import SearchRequest, SearchResponse, SearchResult
from shared.serving.answers import (
    NO_INDEX,
    PICTURE_ALONE,
    TEXT_TRUNCATED,
    reason_not_understood,
    search_result,
)
from shared.serving.picture_files import PictureFiles
from shared.serving.query_pictures import (
    Floats,
    Pictures,
    modalities,
    query_vector,
    read_picture,
)
from shared.serving.snapshots import Snapshot
from shared.serving.state import serving_health

NAME = "retrieval"


def search(
    snapshot: Snapshot,
    request: SearchRequest,
    pictures: Pictures | None = None,
    files: PictureFiles | None = None,
) -> SearchResponse:
    """Answer POST /search_similar from one model and its index.

    Args:
        snapshot: model and index.
        request: a text, a picture or both.
        pictures: reads pictures; None if no picture model is loaded.
        files: the pictures of reviews, for a request that asks for them.

    Raises:
        InvalidInputError: a picture alone, without a picture model.
    """
    if request.query_text is None and pictures is None:
        raise InvalidInputError(PICTURE_ALONE, details={"field": "query_text"})
    warnings = [*request.unknown_field_warnings(), *snapshot.warnings]
    reading = read_picture(request, pictures, snapshot.encoder)
    warnings += reading.warnings
    text = _text_vector(snapshot, request.query_text, warnings)
    index, vector = snapshot.index, query_vector(text, reading.vector)
    results: list[SearchResult] = []
    next_cursor = None
    if index is None:
        warnings.append(NO_INDEX)
    elif vector is not None:
        ranking = Ranking(
            request.query_text, request.top_k, request.filters, index.version, reading.sha256
        )
        start = ranking.start(request.cursor)
        hits = index.search(vector, request.top_k, request.filters)[start:]
        shown = files.read(hit.file for hit in hits) if files and request.picture_preview else {}
        found = [search_result(hit, shown.get(hit.file or "")) for hit in hits]
        results, next_cursor = ranking.page(found, start)
    return SearchResponse(
        results=results,
        model_version=snapshot.encoder.version,
        index_version=index.version if index else None,
        next_cursor=next_cursor,
        modalities=modalities(text, reading.vector),
        picture=reading.preview(shown=request.picture_preview),
        warnings=warnings,
    )


def pictures_of(
    snapshot: Snapshot, request: ReviewPicturesRequest, files: PictureFiles
) -> ReviewPicturesResponse:
    """Answer POST /review_pictures from an index, which has no review that was removed."""
    index, warnings = snapshot.index, [*request.unknown_field_warnings(), *snapshot.warnings]
    if index is None:
        return ReviewPicturesResponse(
            pictures={}, index_version=None, warnings=[*warnings, NO_INDEX]
        )
    names = index.picture_files(list(dict.fromkeys(request.review_ids)))
    shown = files.read(names.values())
    return ReviewPicturesResponse(
        pictures={review: shown[name] for review, name in names.items() if name in shown},
        index_version=index.version,
        warnings=warnings,
    )


def _text_vector(snapshot: Snapshot, text: str | None, warnings: list[str]) -> Floats | None:
    """The vector of a text, if there is one; adds warnings about it."""
    if text is None:
        return None
    encoded = snapshot.encoder.encode([text])
    if encoded.truncated[0]:
        warnings.append(TEXT_TRUNCATED)
    if reason := reason_not_understood(text, encoded.unknown_shares[0]):
        warnings.append(f"results may be unrelated: {reason}")
    vector: Floats = encoded.embeddings[0]
    return vector


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
