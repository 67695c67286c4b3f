"""Analyses texts: sentiment from the model, similar reviews from the index."""

from collections.abc import Sequence

from lambdas.inference.summary import Neighbour, summarise
from shared.index.reader import Hit
from shared.schemas.api import (
    AnalyzeBatchRequest,
    AnalyzeBatchResponse,
    AnalyzeRequest,
    AnalyzeResponse,
)
from shared.serving.answers import (
    IMAGE_IGNORED,
    NO_INDEX,
    TEXT_TRUNCATED,
    similar_review,
    text_analyses,
)
from shared.serving.details import sentences_of, words_of
from shared.serving.snapshots import Snapshot

_UNSHOWN_NEIGHBOURS = 5
"""Number of reviews that the summary is about where the answer has none (top_k 0)."""


def analyze(snapshot: Snapshot, request: AnalyzeRequest) -> AnalyzeResponse:
    """Answer POST /analyze with the snapshot's model and index."""
    encoder, texts = snapshot.encoder, [request.query_text]
    encoded = encoder.encode(texts)
    ((analysis, reason),) = text_analyses(texts, encoded, encoder.decisions)
    hits: Sequence[Hit] | None = None
    if snapshot.index is not None:
        hits = snapshot.index.search(encoded.embeddings[0], request.top_k or _UNSHOWN_NEIGHBOURS)
    similar = [similar_review(hit) for hit in hits or []]
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
    warnings = [*request.unknown_field_warnings(), *snapshot.warnings]
    if request.image_url is not None:
        warnings.append(IMAGE_IGNORED)
    if reason:
        warnings.append(reason)
    if encoded.truncated[0]:
        warnings.append(TEXT_TRUNCATED)
    if hits is None:
        warnings.append(NO_INDEX)
    return AnalyzeResponse(
        **analysis.model_dump(),
        sentences=sentences,
        words=words,
        summary=summarise(
            analysis.sentiment, analysis.confidence, None if hits is None else neighbours
        ),
        similar_reviews=similar[: request.top_k],
        model_version=encoder.version,
        index_version=snapshot.index.version if snapshot.index else None,
        warnings=warnings,
    )


def analyze_batch(snapshot: Snapshot, request: AnalyzeBatchRequest) -> AnalyzeBatchResponse:
    """Answer POST /analyze/batch with one encoder pass over all texts."""
    encoded = snapshot.encoder.encode(request.texts)
    analyses = text_analyses(request.texts, encoded, snapshot.encoder.decisions)
    warnings = [*request.unknown_field_warnings(), *snapshot.warnings]
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
