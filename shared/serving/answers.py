"""Converts encoder outputs and index hits to API responses."""

from typing import Any

from shared.index.reader import Hit
from shared.language.detection import UNDETERMINED
from shared.language.understanding import MAX_UNKNOWN_SHARE, language_of
from shared.schemas.api import Probabilities, SearchResult, SimilarReview, TextAnalysis
from shared.schemas.review import SERVED_FIELDS
from shared.schemas.sentiment import LABELS

IMAGE_IGNORED = "this model reads only text: the image was ignored"
TEXT_TRUNCATED = "the text exceeds the model's limit: only its beginning and end were used"
NOT_UNDERSTOOD = "the model does not understand the text"
NO_INDEX = "no index is published yet: no reviews were compared"


def text_analysis(
    text: str, probabilities: list[float], unknown_share: float
) -> tuple[TextAnalysis, str | None]:
    """The sentiment of a text that the model understands.

    Args:
        text: the text.
        probabilities: of the labels, in the order of LABELS.
        unknown_share: share of the text's tokens that the model does not know.

    Returns:
        The analysis, and the reason why it has no sentiment.
    """
    language, understood = language_of(text, unknown_share)
    if not understood:
        analysis = TextAnalysis(
            sentiment=None, confidence=None, probabilities=None, language=language
        )
        return analysis, f"no sentiment: {_reason(language, unknown_share)}"
    best = max(range(len(LABELS)), key=probabilities.__getitem__)
    by_label = {label.value: _rounded(p) for label, p in zip(LABELS, probabilities, strict=True)}
    analysis = TextAnalysis(
        sentiment=LABELS[best],
        confidence=_rounded(probabilities[best]),
        probabilities=Probabilities(**by_label),
        language=language,
    )
    return analysis, None


def reason_not_understood(text: str, unknown_share: float) -> str | None:
    """Why the model does not understand a text; None if it does."""
    language, understood = language_of(text, unknown_share)
    return None if understood else _reason(language, unknown_share)


def _reason(language: str, unknown_share: float) -> str:
    if unknown_share > MAX_UNKNOWN_SHARE:
        return f"{NOT_UNDERSTOOD}, it does not know {unknown_share:.0%} of the tokens"
    if language == UNDETERMINED:
        return f"{NOT_UNDERSTOOD}, whose language cannot be determined"
    return f"{NOT_UNDERSTOOD}, whose language is {language}: it knows only English"


def similar_review(hit: Hit) -> SimilarReview:
    """Convert a hit to a similar review of POST /analyze."""
    return SimilarReview(similarity_score=_rounded(hit.score), **_shown_fields(hit))


def search_result(hit: Hit) -> SearchResult:
    """Convert a hit to a result of POST /search_similar."""
    return SearchResult(similarity_score=_rounded(hit.score), **_shown_fields(hit))


def _shown_fields(hit: Hit) -> dict[str, Any]:
    """All served fields by their names in the API; each model takes those that it has."""
    shown = {field.result_name: hit.row.fields[field.name] for field in SERVED_FIELDS}
    # null: an earlier release stored the review
    return shown if shown["understood"] in (None, 1) else {**shown, "sentiment": None}


def _rounded(value: float) -> float:
    """Round to six decimals, the precision of float32."""
    return round(float(value), 6)
