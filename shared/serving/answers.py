"""Converts encoder outputs and index hits to API responses."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shared.aspects.clauses import find_mixed
from shared.aspects.sentences import kind_of
from shared.index.reader import Hit
from shared.language.detection import UNDETERMINED
from shared.language.understanding import MAX_UNKNOWN_SHARE, language_of
from shared.runtime.cascade import Answers, Cascade, SentimentModel
from shared.runtime.decisions import Decided, decide_each
from shared.runtime.encoder import Encoded, Floats
from shared.schemas.api import IMAGE, TEXT, Probabilities, SimilarReview, TextAnalysis
from shared.schemas.picture import PicturePreview
from shared.schemas.review import SERVED_FIELDS
from shared.schemas.search import SearchResult
from shared.schemas.sentiment import LABELS

IMAGE_IGNORED = "this model reads only text: the image was ignored"
PICTURE_ALONE = "a text is required beside a picture, because no picture model is loaded"
TEXT_ALONE_DECIDES = (
    "the sentiment is that of the text alone; the picture counts for similar reviews"
)
NO_TEXT = "no sentiment: there is no text, and no fusion head that decides reads the picture alone"
TEXT_TRUNCATED = "the text exceeds the model's limit: only its beginning and end were used"
NOT_UNDERSTOOD = "the model does not understand the text"
NO_INDEX = "no index is published yet: no reviews were compared"


def text_analyses(
    texts: Sequence[str], encoded: Encoded, model: SentimentModel, cascade: Cascade | None = None
) -> list[tuple[TextAnalysis, str | None]]:
    """The sentiment of each text that the model understands.

    Args:
        texts: the texts; one sentence is decided as a sentence, anything else as a review.
        encoded: the model's results for them.
        model: the model.
        cascade: a second model, for the texts of which the model is not sure.

    Returns:
        For each text its analysis, and the reason if it has no sentiment.
    """
    kinds = list(map(kind_of, texts))
    languages = list(map(language_of, texts, encoded.unknown_shares))
    mixed = find_mixed(texts, encoded.tokens, model.decisions.sentence)
    answers = Answers(
        decide_each(model.decisions, kinds, encoded.probabilities), np.zeros(len(texts), np.bool_)
    )
    if cascade is not None:
        readable = [understood for _, understood in languages]
        answers = cascade.answer(texts, kinds, answers.decided, readable)
    analyses: list[tuple[TextAnalysis, str | None]] = []
    for row, (language, understood) in enumerate(languages):
        if understood:
            by = cascade.model if cascade is not None and answers.by_second[row] else model
            facts = {"language": language, "mixed": mixed[row], "sentiment_model": by.version}
            analyses.append((_text_analysis(answers.decided, row, facts), None))
            continue
        analysis = TextAnalysis(
            sentiment=None,
            confidence=None,
            probabilities=None,
            language=language,
            sentiment_modalities=[],
        )
        reason = _reason(language, encoded.unknown_shares[row])
        analyses.append((analysis, f"no sentiment: {reason}"))
    return analyses


def _text_analysis(decided: Decided, row: int, facts: Mapping[str, Any]) -> TextAnalysis:
    return TextAnalysis(
        sentiment=LABELS[decided.labels[row]],
        confidence=rounded(decided.confidences[row]),
        sure=bool(decided.sure[row]),
        probabilities=probabilities_of(decided.probabilities[row]),
        **facts,
    )


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


def similar_review(hit: Hit, picture: PicturePreview | None = None) -> SimilarReview:
    """Convert a hit to a similar review of POST /analyze."""
    return SimilarReview(**_shown_fields(hit), picture=picture)


def search_result(hit: Hit, picture: PicturePreview | None = None) -> SearchResult:
    """Convert a hit to a result of POST /search_similar."""
    return SearchResult(**_shown_fields(hit), picture=picture)


def _shown_fields(hit: Hit) -> dict[str, Any]:
    """All served fields by their names in the API; each model takes those that it has."""
    shown = {field.result_name: hit.row.fields[field.name] for field in SERVED_FIELDS}
    shown["similarity_score"] = rounded(hit.score)
    shown["matched"] = IMAGE if hit.by_picture else TEXT
    # null: an earlier release stored the review
    return shown if shown["understood"] in (None, 1) else {**shown, "sentiment": None}


def probabilities_of(values: Sequence[float] | Floats) -> Probabilities:
    """Probabilities in the order of LABELS."""
    named = {label.value: rounded(p) for label, p in zip(LABELS, values, strict=True)}
    return Probabilities(**named)


def rounded(value: float) -> float:
    """Round to six decimals, the precision of float32."""
    return round(float(value), 6)
