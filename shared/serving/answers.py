"""Converts encoder outputs and index hits to API responses."""

from shared.index.reader import Hit
from shared.schemas.api import Probabilities, SearchResult, SimilarReview, TextAnalysis
from shared.schemas.sentiment import LABELS, Sentiment

IMAGE_IGNORED = "this model reads only text: the image was ignored"
TEXT_TRUNCATED = "the text exceeds the model's limit: only its beginning and end were used"
NO_INDEX = "no index is published yet: no reviews were compared"


def text_analysis(probabilities: list[float]) -> TextAnalysis:
    """The most probable sentiment of one row of probabilities, in the order of LABELS."""
    best = max(range(len(LABELS)), key=probabilities.__getitem__)
    by_label = {label.value: _rounded(p) for label, p in zip(LABELS, probabilities, strict=True)}
    return TextAnalysis(
        sentiment=LABELS[best],
        confidence=_rounded(probabilities[best]),
        probabilities=Probabilities(**by_label),
    )


def similar_review(hit: Hit) -> SimilarReview:
    """Convert a hit to a similar review of POST /analyze."""
    row = hit.row
    return SimilarReview(
        review_text=row.text,
        sentiment=Sentiment(row.sentiment),
        similarity_score=_rounded(hit.score),
        review_id=row.review_id,
        product_id=row.product_id,
        rating=row.rating,
    )


def search_result(hit: Hit) -> SearchResult:
    """Convert a hit to a result of POST /search_similar."""
    row = hit.row
    return SearchResult(
        **similar_review(hit).model_dump(),
        title=row.title,
        category=row.category,
        reviewed_at=row.reviewed_at,
    )


def _rounded(value: float) -> float:
    """Round to six decimals, the precision of float32."""
    return round(float(value), 6)
