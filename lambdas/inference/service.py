"""Analyses texts and pictures: sentiment from the model, similar reviews from the index."""

from collections.abc import Sequence

from lambdas.inference.fusion import batch_with_pictures, reads_pictures, with_picture
from lambdas.inference.summary import Neighbour, summarise
from lambdas.inference.texts import read_text
from shared.errors import InvalidInputError
from shared.http.ranking import Ranking
from shared.index.reader import Hit
from shared.runtime.cascade import SecondModel
from shared.runtime.encoder import Encoder, Floats
from shared.schemas.api import (
    AnalyzeBatchRequest,
    AnalyzeBatchResponse,
    AnalyzeRequest,
    AnalyzeResponse,
    SimilarReview,
)
from shared.schemas.sentiment import disagreement
from shared.serving.answers import (
    IMAGE_IGNORED,
    NO_INDEX,
    PICTURE_ALONE,
    TEXT_TRUNCATED,
    similar_review,
    text_analyses,
)
from shared.serving.picture_files import PictureFiles
from shared.serving.query_pictures import (
    Pictures,
    Reading,
    modalities,
    query_vector,
    read_picture,
)
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
        request: a text, a picture or both.
        second: the second model of a cascade.
        pictures: reads pictures; None if no picture model is loaded. The sentiment is that of the
            text, unless the model has a fusion head that decides; the similar reviews are those
            near both.
        files: the pictures of reviews, for a request that asks for them.

    Raises:
        InvalidInputError: a picture alone, without a picture model.
    """
    if request.query_text is None and pictures is None:
        raise InvalidInputError(PICTURE_ALONE, details={"field": "query_text"})
    encoder = snapshot.encoder
    text = read_text(request.query_text, encoder, second)
    reading = read_picture(request, pictures, encoder)
    analysis, of_picture = with_picture(encoder, text.analysis, text.features, reading)
    opinion = analysis.picture_opinion
    mismatch, disagrees = disagreement(
        request.rating,
        text.analysis.sentiment if text.analysis.sure else None,
        opinion.sentiment if opinion and opinion.sure else None,
    )
    similar = _similar(snapshot, request, query_vector(text.vector, reading.vector), files)
    neighbours = None if similar is None else _neighbours(similar)
    warnings = [*request.unknown_field_warnings(), *snapshot.warnings, *_problems(second)]
    warnings += [*reading.warnings, *of_picture, *text.warnings]
    if snapshot.index is None:
        warnings.append(NO_INDEX)
    page, next_cursor = (similar or [])[: request.top_k], None
    if snapshot.index is not None:
        ranking = Ranking(
            request.query_text, request.top_k, None, snapshot.index.version, reading.sha256
        )
        page, next_cursor = ranking.page(page)
    return AnalyzeResponse(
        **dict(analysis),
        mismatch=mismatch,
        disagrees=disagrees,
        sentences=text.sentences,
        words=text.words,
        summary=summarise(
            analysis.sentiment, analysis.confidence, neighbours, has_text=text.vector is not None
        ),
        similar_reviews=page,
        next_cursor=next_cursor,
        model_version=encoder.version,
        index_version=snapshot.index.version if snapshot.index else None,
        modalities=modalities(text.vector, reading.vector),
        picture=reading.preview(shown=request.picture_preview),
        warnings=warnings,
    )


def _similar(
    snapshot: Snapshot, request: AnalyzeRequest, vector: Floats | None, files: PictureFiles | None
) -> list[SimilarReview] | None:
    """The reviews near a vector, with their pictures if the request asks for them.

    None if there is nothing to compare or to compare with.
    """
    if snapshot.index is None or vector is None:
        return None
    hits: Sequence[Hit] = snapshot.index.search(vector, request.top_k or _UNSHOWN_NEIGHBOURS)
    shown = {}
    if files and request.picture_preview:
        shown = files.read(hit.file for hit in hits[: request.top_k])
    return [similar_review(hit, shown.get(hit.file or "")) for hit in hits]


def _neighbours(similar: Sequence[SimilarReview]) -> list[Neighbour]:
    return [
        Neighbour(review.sentiment, review.similarity_score)
        for review in similar
        if review.sentiment is not None
    ]


def _problems(second: SecondModel | None) -> list[str]:
    """Why the second model cannot be used, if it cannot."""
    return [second.problem] if second is not None and second.problem is not None else []


def analyze_batch(
    snapshot: Snapshot,
    request: AnalyzeBatchRequest,
    second: SecondModel | None = None,
    pictures: Pictures | None = None,
) -> AnalyzeBatchResponse:
    """Answer POST /analyze/batch with one encoder pass over all texts; see ``analyze``."""
    encoder = snapshot.encoder
    encoded = encoder.encode(request.texts)
    cascade = second.cascade() if second else None
    analyses = text_analyses(request.texts, encoded, encoder, cascade)
    readings = _readings(request, encoder, pictures)
    alone = [analysis for analysis, _ in analyses]
    judged = batch_with_pictures(encoder, alone, encoded, readings)
    warnings = [*request.unknown_field_warnings(), *snapshot.warnings, *_problems(second)]
    warnings += [f"texts.{i}: {reason}" for i, (_, reason) in enumerate(analyses) if reason]
    warnings += [
        f"texts.{i}: {TEXT_TRUNCATED}" for i, truncated in enumerate(encoded.truncated) if truncated
    ]
    for i, (reading, (_, of_picture)) in enumerate(zip(readings, judged, strict=True)):
        warnings += [f"pictures.{i}: {reason}" for reason in (*reading.warnings, *of_picture)]
    return AnalyzeBatchResponse(
        results=[analysis for analysis, _ in judged],
        model_version=encoder.version,
        index_version=snapshot.index.version if snapshot.index else None,
        warnings=warnings,
    )


def _readings(
    request: AnalyzeBatchRequest, encoder: Encoder, pictures: Pictures | None
) -> list[Reading]:
    """The picture of each text; nothing is fetched where the model's sentiments read no pictures.

    A batch has no similar reviews, for which a picture would count otherwise.
    """
    readings = [Reading()] * len(request.texts)
    sources = {row: each for row, each in enumerate(request.pictures) if each is not None}
    if pictures is not None and reads_pictures(encoder, pictures):
        read = pictures.read_all(list(sources.values()), encoder)
    else:
        read = [Reading(warnings=(IMAGE_IGNORED,))] * len(sources)
    for row, reading in zip(sources, read, strict=True):
        readings[row] = reading
    return readings
