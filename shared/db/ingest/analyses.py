"""A model's analyses of reviews."""

from collections.abc import Sequence

from shared.db.connection import Connection

_UPSERT = """
INSERT INTO analyses (review_id, model_version, sentiment, confidence, negative, neutral, positive,
                      language, understood, sure, mixed, sentiment_model, analysed_at)
SELECT s.review_id, %s, s.sentiment, s.confidence, s.negative, s.neutral, s.positive,
       s.language, s.understood, s.sure, s.mixed, s.sentiment_model,
       CASE WHEN %s THEN now() ELSE '-infinity' END
FROM unnest(%s::text[], %s::text[], %s::real[], %s::real[], %s::real[], %s::real[],
            %s::text[], %s::boolean[], %s::boolean[], %s::boolean[], %s::text[])
    AS s (review_id, sentiment, confidence, negative, neutral, positive, language, understood,
          sure, mixed, sentiment_model)
ORDER BY s.review_id
ON CONFLICT (review_id, model_version) DO UPDATE
SET sentiment = excluded.sentiment, confidence = excluded.confidence,
    negative = excluded.negative, neutral = excluded.neutral, positive = excluded.positive,
    language = excluded.language, understood = excluded.understood,
    sure = excluded.sure, mixed = excluded.mixed, sentiment_model = excluded.sentiment_model,
    analysed_at = greatest(analyses.analysed_at, excluded.analysed_at)
"""

_PROBABILITIES = """
SELECT a.negative, a.neutral, a.positive, a.mixed
FROM unnest(%s::text[]) WITH ORDINALITY AS s (review_id, place)
LEFT JOIN analyses AS a
    ON a.review_id = s.review_id AND a.model_version = %s AND a.sentiment_model IS NULL
ORDER BY s.place
"""


def read_probabilities(
    connection: Connection, model_version: str, review_ids: Sequence[str]
) -> list[tuple[float | None, float | None, float | None, bool | None]]:
    """A model's probabilities (negative, neutral, positive) of each review, in order, and mixed.

    A review that the model has not analysed in its current state has Nones, and so has one whose
    sentiment is that of the second model of a cascade.
    """
    return connection.execute(_PROBABILITIES, (list(review_ids), model_version)).fetchall()


def upsert_analyses(
    connection: Connection,
    model_version: str,
    review_ids: Sequence[str],
    sentiments: Sequence[str],
    confidences: Sequence[float],
    probabilities: Sequence[Sequence[float]],
    languages: Sequence[tuple[str, bool]],
    *,
    sure: Sequence[bool] | None = None,
    mixed: Sequence[bool | None] | None = None,
    sentiment_models: Sequence[str | None] | None = None,
    current: bool = True,
) -> None:
    """Write one analysis per review, replacing an earlier one of the same model.

    Args:
        connection: the transaction; the caller commits.
        model_version: the model that analysed them.
        review_ids: n distinct reviews.
        sentiments: n labels.
        confidences: n probabilities of these labels.
        probabilities: three columns of n values: negative, neutral, positive.
        languages: n languages, each with whether the model understands the text.
        sure: n times whether the model is sure of the label.
        mixed: n times whether sentences of the review contradict each other, None: not known.
        sentiment_models: n times the other model that gave the sentiment, None: ``model_version``.
        current: whether insights use them immediately; those of a candidate wait for
            adoption.activate_analyses.
    """
    connection.execute(
        _UPSERT,
        (
            *(model_version, current),
            *(list(review_ids), list(sentiments), list(confidences), *probabilities),
            [language for language, _ in languages],
            [understood for _, understood in languages],
            *(list(flags or [None] * len(review_ids)) for flags in (sure, mixed)),
            list(sentiment_models or [None] * len(review_ids)),
        ),
    )
