"""Questions to the model: sentiment, similar reviews, embeddings, and the index behind them."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from reviewlens.calls import Call, read, start
from shared.schemas.api import Accepted, AnalyzeBatchResponse, AnalyzeResponse
from shared.schemas.embeddings import EmbeddingsResponse
from shared.schemas.picture_source import PictureSource
from shared.schemas.review_pictures import ReviewPicturesResponse
from shared.schemas.search import SearchFilters, SearchResponse


def analyze(
    text: str | None = None,
    *,
    top_k: int = 5,
    image_url: str | None = None,
    image_data: bytes | None = None,
    picture_preview: bool = False,
    rating: float | None = None,
) -> Call[AnalyzeResponse]:
    """Sentiment of a text, a picture or both, and the reviews most similar to them.

    Args:
        text: up to 10,000 characters; a picture alone needs a picture model.
        top_k: how many similar reviews to return, 0 to 100.
        image_url: a picture; the answer warns where it is not used.
        image_data: the bytes of a picture instead of its address, at most 3.5 MB.
        picture_preview: whether the answer has the picture that was used, as a small JPEG.
        rating: stars of the review, 1 to 5; the answer says who contradicts them.
    """
    picture = _picture(image_url, image_data, shown=picture_preview)
    body = _given(query_text=text, top_k=top_k, rating=rating, **picture)
    return read(AnalyzeResponse, "/analyze", body)


def analyze_batch(
    texts: Sequence[str], *, pictures: Sequence[PictureSource | bytes | str | None] = ()
) -> Call[AnalyzeBatchResponse]:
    """Sentiment of up to 64 texts, in their order.

    Args:
        texts: up to 64 texts.
        pictures: the picture of each text, None for one without, at most 8: addresses or bytes. A
            warning says which was not used.
    """
    sources = [None if each is None else _source(each) for each in pictures]
    return read(AnalyzeBatchResponse, "/analyze/batch", _given(texts=list(texts),
                pictures=sources or None))  # fmt: skip


def search(
    text: str | None = None,
    *,
    top_k: int = 10,
    filters: SearchFilters | Mapping[str, Any] | None = None,
    image_url: str | None = None,
    image_data: bytes | None = None,
    picture_preview: bool = False,
    cursor: str | None = None,
) -> Call[SearchResponse]:
    """The reviews most similar to a text, a picture or both, among those that pass all filters.

    Args:
        text: up to 10,000 characters.
        top_k: how many reviews to return, 1 to 100.
        filters: fields of SearchFilters.
        image_url: a picture; the answer warns where it is not used.
        image_data: the bytes of a picture instead of its address, at most 3.5 MB.
        picture_preview: whether the answer has the picture that was used, as a small JPEG.
        cursor: ``next_cursor`` of ``analyze``, for the similar reviews that its answer left out.
    """
    if isinstance(filters, SearchFilters):
        filters = filters.model_dump(mode="json", exclude_none=True)
    picture = _picture(image_url, image_data, shown=picture_preview)
    body = _given(query_text=text, top_k=top_k, filters=filters or None, cursor=cursor, **picture)
    return read(SearchResponse, "/search_similar", body).with_list("results")


def review_pictures(review_ids: Sequence[str]) -> Call[ReviewPicturesResponse]:
    """One picture of each review that has some, as small JPEGs by the ids of the reviews.

    Args:
        review_ids: up to 50 ids.
    """
    return read(ReviewPicturesResponse, "/review_pictures", {"review_ids": list(review_ids)})


def embeddings(
    texts: Sequence[str] = (), *, pictures: Sequence[PictureSource | bytes | str] = ()
) -> Call[EmbeddingsResponse]:
    """Vectors of unit length of texts and pictures, each in their order.

    Args:
        texts: up to 64 texts.
        pictures: up to 8 pictures, as addresses or as bytes; a warning says which was not used.
    """
    # nothing changes, so it may be repeated; on AWS it is signed because it keeps a model busy
    body = _given(texts=list(texts) or None, pictures=[_source(p) for p in pictures] or None)
    return start(EmbeddingsResponse, "/embeddings", body, repeatable=True)


def build_index(*, force: bool = False) -> Call[Accepted]:
    """Queue a build of the index over all processed reviews.

    Args:
        force: do not wait until a new model has embedded what the index holds.
    """
    return start(Accepted, "/build_index", {"force": force})


def _source(picture: PictureSource | bytes | str) -> dict[str, Any]:
    if isinstance(picture, PictureSource):
        return picture.model_dump(exclude_none=True)
    return _picture(*((picture, None) if isinstance(picture, str) else (None, picture)))


def _picture(url: str | None, data: bytes | None, *, shown: bool = False) -> dict[str, Any]:
    encoded = None if data is None else b64encode(data).decode("ascii")
    return _given(image_url=url, image_data=encoded, picture_preview=shown or None)


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
