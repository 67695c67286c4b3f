"""Adds a picture to the sentiment of a text, by the fusion head of the model, if it has one."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.errors import PictureError
from shared.runtime.decisions import Decided, decide
from shared.runtime.encoder import Encoded, Encoder
from shared.runtime.fusion import Floats, FusionHead, text_features
from shared.runtime.probabilities import softmax
from shared.schemas.api import IMAGE, TEXT, Modality, PictureOpinion, TextAnalysis
from shared.schemas.fusion import Fusion
from shared.schemas.sentiment import LABELS
from shared.serving.answers import NO_TEXT, TEXT_ALONE_DECIDES, probabilities_of, rounded
from shared.serving.opinions import decide_pictures, tower_problem
from shared.serving.query_pictures import Pictures, Reading


class Judged(NamedTuple):
    """An analysis that knows of the picture, and warnings about it."""

    analysis: TextAnalysis
    warnings: tuple[str, ...] = ()


def features_of(encoded: Encoded, row: int) -> Floats:
    """What a head reads of a text, (1, d + 3)."""
    part = slice(row, row + 1)
    return text_features(encoded.embeddings[part], encoded.probabilities[part])


def with_picture(
    encoder: Encoder, analysis: TextAnalysis, text: Floats | None, reading: Reading
) -> Judged:
    """The sentiment of a text with its picture; without a usable picture, it is that of the text.

    Args:
        encoder: the model.
        analysis: the text alone.
        text: what the head reads of the text; None: there is none.
        reading: the picture of the request.
    """
    alone = TEXT_ALONE_DECIDES if text is not None else NO_TEXT
    if reading.vector is None or reading.tower is None:
        return Judged(analysis)
    fusion, head = encoder.manifest.fusion, encoder.head
    if fusion is None or head is None:
        return Judged(analysis, (alone,))
    if problem := tower_problem(fusion, reading.tower):
        return Judged(analysis, (alone, problem))
    vector = reading.vector[None]
    opinion = _opinion(head, fusion, vector)
    analysis = analysis.model_copy(update={"picture_opinion": opinion})
    # a text that the model does not understand stays without a sentiment
    if not fusion.decides or (text is not None and analysis.sentiment is None):
        return Judged(analysis, (alone,))
    rule = fusion.picture if text is None else fusion.both
    decided = decide(rule, softmax(head.logits(text, vector)))
    modalities: list[Modality] = [IMAGE] if text is None else [TEXT, IMAGE]
    shown = {**_shown(decided), "sentiment_modalities": modalities}
    return Judged(analysis.model_copy(update={**shown, "sentiment_model": encoder.version}))


def reads_pictures(encoder: Encoder, pictures: Pictures | None) -> bool:
    """Whether pictures change what is said of texts: the head's tower is loaded."""
    fusion = encoder.manifest.fusion
    if pictures is None or fusion is None:
        return False
    try:
        return not tower_problem(fusion, pictures.tower(encoder.manifest, encoder.folder))
    except PictureError:
        return False


def _opinion(head: FusionHead, fusion: Fusion, vector: Floats) -> PictureOpinion:
    return PictureOpinion.model_validate(_shown(decide_pictures(head, fusion, vector)))


def _shown(decided: Decided) -> dict[str, object]:
    return {
        "sentiment": LABELS[decided.labels[0]],
        "confidence": rounded(decided.confidences[0]),
        "sure": bool(decided.sure[0]),
        "probabilities": probabilities_of(decided.probabilities[0]),
    }


def batch_with_pictures(
    encoder: Encoder,
    analyses: Sequence[TextAnalysis],
    encoded: Encoded,
    readings: Sequence[Reading],
) -> list[Judged]:
    """Each text of a batch with its picture."""
    return [
        with_picture(encoder, analysis, features_of(encoded, row), reading)
        for row, (analysis, reading) in enumerate(zip(analyses, readings, strict=True))
    ]
