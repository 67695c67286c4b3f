"""Analyses texts: sentiment from the model, similar reviews from the index."""

from collections.abc import Sequence

from lambdas.inference.summary import Neighbour, summarise
from shared.http.ranking import Ranking
from shared.index.reader import Hit
from shared.runtime.cascade import SecondModel
from shared.schemas.api import (
    AnalyzeBatchRequest,
    AnalyzeBatchResponse,
    AnalyzeRequest,
    AnalyzeResponse,
)
from shared.schemas.sentiment import mismatch_of
from shared.serving.answers import (
    NO_INDEX,
    TEXT_ALONE_DECIDES,
    TEXT_TRUNCATED,
    similar_review,
    text_analyses,
)
from shared.serving.details import sentences_of, words_of
from shared.serving.picture_files import PictureFiles
from shared.serving.query_pictures import Pictures, modalities, query_vector, read_picture
from shared.serving.snapshots import Snapshot

_UNSHOWN_NEIGHBOURS = 5
"""Number of reviews that the summary is about where the answer has none (top_k 0)."""


def analyze(
    snapshot: Snapshot,
    request: AnalyzeRequest,
    second: SecondModel | None = None,
    pictures: Pictures | None = None,
    files: PictureFiles | None = None,
) -> AnalyzeResponse:
    """Answer POST /analyze with the snapshot's model and index, and a second model if there is one.

    If that or the picture cannot be used, a warning says why, and the snapshot's model answers
    alone.

    Args:
        snapshot: model and index.
        request: the text, and perhaps a picture.
        second: the second model of a cascade.
        pictures: reads pictures; None if no picture model is loaded. The sentiment is that of the
            text; the similar reviews are those near both.
        files: the pictures of reviews, for a request that asks for them.
    """
    encoder, texts = snapshot.encoder, [request.query_text]
    encoded = encoder.encode(texts)
    cascade = second.cascade() if second else None
    ((analysis, reason),) = text_analyses(texts, encoded, encoder, cascade)
    reading = read_picture(request, pictures, encoder)
    vector = query_vector(encoded.embeddings[0], reading.vector)
    hits: Sequence[Hit] | None = None
    if snapshot.index is not None and vector is not None:
        hits = snapshot.index.search(vector, request.top_k or _UNSHOWN_NEIGHBOURS)
    shown = {}
    if files and request.picture_preview:
        shown = files.read(hit.file for hit in (hits or [])[: request.top_k])
    similar = [similar_review(hit, shown.get(hit.file or "")) for hit in hits or []]
    neighbours = [
        Neighbour(review.sentiment, review.similarity_score)
        for review in similar
        if review.sentiment is not None
    ]
    sentences, words = None, None
    if encoded.tokens is not None:
        (text,), (tokens,) = texts, encoded.tokens
        sentences = sentences_of(text, analysis, tokens, encoder.decisions.sentence)
        words = words_of(text, analysis, tokens)
    warnings = [*request.unknown_field_warnings(), *snapshot.warnings, *_problems(second)]
    warnings += reading.warnings
    if reading.vector is not None:
        warnings.append(TEXT_ALONE_DECIDES)
    if reason:
        warnings.append(reason)
    if encoded.truncated[0]:
        warnings.append(TEXT_TRUNCATED)
    if hits is None:
        warnings.append(NO_INDEX)
    page, next_cursor = similar[: request.top_k], None
    if snapshot.index is not None:
        ranking = Ranking(
            request.query_text, request.top_k, None, snapshot.index.version, reading.sha256
        )
        page, next_cursor = ranking.page(page)
    return AnalyzeResponse(
        **analysis.model_dump(),
        mismatch=mismatch_of(request.rating, analysis.sentiment, sure=analysis.sure),
        sentences=sentences,
        words=words,
        summary=summarise(
            analysis.sentiment, analysis.confidence, None if hits is None else neighbours
        ),
        similar_reviews=page,
        next_cursor=next_cursor,
        model_version=encoder.version,
        index_version=snapshot.index.version if snapshot.index else None,
        modalities=modalities(encoded.embeddings[0], reading.vector),
        picture=reading.preview(shown=request.picture_preview),
        warnings=warnings,
    )


def _problems(second: SecondModel | None) -> list[str]:
    """Why the second model cannot be used, if it cannot."""
    return [second.problem] if second is not None and second.problem is not None else []


def analyze_batch(
    snapshot: Snapshot, request: AnalyzeBatchRequest, second: SecondModel | None = None
) -> AnalyzeBatchResponse:
    """Answer POST /analyze/batch with one encoder pass over all texts; see ``analyze``."""
    encoded = snapshot.encoder.encode(request.texts)
    cascade = second.cascade() if second else None
    analyses = text_analyses(request.texts, encoded, snapshot.encoder, cascade)
    warnings = [*request.unknown_field_warnings(), *snapshot.warnings, *_problems(second)]
    warnings += [f"texts.{i}: {reason}" for i, (_, reason) in enumerate(analyses) if reason]
    warnings += [
        f"texts.{i}: {TEXT_TRUNCATED}" for i, truncated in enumerate(encoded.truncated) if truncated
    ]
    return AnalyzeBatchResponse(
        results=[analysis for analysis, _ in analyses],
        model_version=snapshot.encoder.version,
        index_version=snapshot.index.version if snapshot.index else None,
        warnings=warnings,
    )
