"""From hits of the index to what the API shows."""

from shared.index.reader import Hit
from shared.schemas.api import Probabilities, SearchResult, SimilarReview, TextAnalysis
from shared.schemas.sentiment import LABELS, Sentiment

IMAGE_IGNORED = "this model reads text only: the image was not looked at"
TEXT_CUT = "the text is longer than the model reads: only its beginning and end counted"
NO_INDEX = "there is no index yet: no reviews were compared"


def analysis_of(probabilities: list[float]) -> TextAnalysis:
    """The most probable sentiment of one row of probabilities, in the order of LABELS."""
    best = max(range(len(LABELS)), key=probabilities.__getitem__)
    by_label = {label.value: _rounded(p) for label, p in zip(LABELS, probabilities, strict=True)}
    return TextAnalysis(
        sentiment=LABELS[best],
        confidence=_rounded(probabilities[best]),
        probabilities=Probabilities(**by_label),
    )


def similar_review(hit: Hit) -> SimilarReview:
    """A hit as /analyze shows it."""
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
    """A hit as /search_similar shows it."""
    row = hit.row
    return SearchResult(
        **similar_review(hit).model_dump(),
        title=row.title,
        category=row.category,
        reviewed_at=row.reviewed_at,
    )


def _rounded(value: float) -> float:
    """Six decimals: what float32 carries, and no noise behind it."""
    return round(float(value), 6)
