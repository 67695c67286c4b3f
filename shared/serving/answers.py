"""Converts encoder outputs and index hits to API responses."""

from typing import Any

from shared.index.reader import Hit
from shared.schemas.api import Probabilities, SearchResult, SimilarReview, TextAnalysis
from shared.schemas.review import SERVED_FIELDS
from shared.schemas.sentiment import LABELS

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
    return SimilarReview(similarity_score=_rounded(hit.score), **_shown_fields(hit))


def search_result(hit: Hit) -> SearchResult:
    """Convert a hit to a result of POST /search_similar."""
    return SearchResult(similarity_score=_rounded(hit.score), **_shown_fields(hit))


def _shown_fields(hit: Hit) -> dict[str, Any]:
    """All served fields by their names in the API; each model takes those that it has."""
    return {field.result_name: hit.row.fields[field.name] for field in SERVED_FIELDS}


def _rounded(value: float) -> float:
    """Round to six decimals, the precision of float32."""
    return round(float(value), 6)
