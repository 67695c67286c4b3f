"""Questions to the model: sentiment, similar reviews, embeddings, and the index behind them."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from reviewlens.calls import Call, read, start
from shared.schemas.api import (
    Accepted,
    AnalyzeBatchResponse,
    AnalyzeResponse,
    SearchFilters,
    SearchResponse,
)
from shared.schemas.processing import EmbeddingsResponse


def analyze(
    text: str, *, top_k: int = 5, image_url: str | None = None, image_data: bytes | None = None
) -> Call[AnalyzeResponse]:
    """Sentiment of a text, and the reviews most similar to it.

    Args:
        text: up to 10,000 characters.
        top_k: how many similar reviews to return, 0 to 100.
        image_url: a picture; the answer warns where it is not used.
        image_data: the bytes of a picture instead of its address, at most 3.5 MB.
    """
    picture = _given(image_url=image_url, image_data=_base64(image_data))
    body = _given(query_text=text, top_k=top_k, **picture)
    return read(AnalyzeResponse, "/analyze", body)


def analyze_batch(texts: Sequence[str]) -> Call[AnalyzeBatchResponse]:
    """Sentiment of up to 64 texts, in their order."""
    return read(AnalyzeBatchResponse, "/analyze/batch", {"texts": list(texts)})


def search(
    text: str | None = None,
    *,
    top_k: int = 10,
    filters: SearchFilters | Mapping[str, Any] | None = None,
    image_url: str | None = None,
    image_data: bytes | None = None,
    cursor: str | None = None,
) -> Call[SearchResponse]:
    """The reviews most similar to a text, a picture or both, among those that pass all filters.

    Args:
        text: up to 10,000 characters.
        top_k: how many reviews to return, 1 to 100.
        filters: fields of SearchFilters.
        image_url: a picture; the answer warns where it is not used.
        image_data: the bytes of a picture instead of its address, at most 3.5 MB.
        cursor: ``next_cursor`` of ``analyze``, for the similar reviews that its answer left out.
    """
    if isinstance(filters, SearchFilters):
        filters = filters.model_dump(mode="json", exclude_none=True)
    picture = _given(image_url=image_url, image_data=_base64(image_data))
    body = _given(query_text=text, top_k=top_k, filters=filters or None, cursor=cursor, **picture)
    return read(SearchResponse, "/search_similar", body).with_list("results")


def embeddings(texts: Sequence[str]) -> Call[EmbeddingsResponse]:
    """Vectors of unit length of up to 64 texts, in their order."""
    # nothing changes, so it may be repeated; on AWS it is signed because it keeps a model busy
    body = {"texts": list(texts)}
    return start(EmbeddingsResponse, "/embeddings", body, repeatable=True)


def build_index(*, force: bool = False) -> Call[Accepted]:
    """Queue a build of the index over all processed reviews.

    Args:
        force: do not wait until a new model has embedded what the index holds.
    """
    return start(Accepted, "/build_index", {"force": force})


def _base64(data: bytes | None) -> str | None:
    return None if data is None else b64encode(data).decode("ascii")


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
