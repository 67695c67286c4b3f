"""Embeds texts and pictures with the models that answer requests."""

from collections.abc import Sequence

from shared.errors import InvalidInputError
from shared.schemas.api import IMAGE, TEXT, Modality
from shared.schemas.embeddings import EmbeddingsRequest, EmbeddingsResponse
from shared.schemas.picture_source import PictureSource
from shared.serving.answers import IMAGE_IGNORED, TEXT_TRUNCATED
from shared.serving.query_pictures import Pictures, Reading
from shared.serving.snapshots import Snapshot

_NO_PICTURE_MODEL = "no picture model is loaded: only texts can be embedded"


def embed(
    snapshot: Snapshot, request: EmbeddingsRequest, pictures: Pictures | None = None
) -> EmbeddingsResponse:
    """Answer POST /embeddings.

    Args:
        snapshot: the model, whose vectors are those of the index.
        request: texts, pictures or both.
        pictures: reads pictures; None if no picture model is loaded. Then nothing is fetched.

    Raises:
        InvalidInputError: pictures alone, without a picture model.
    """
    if not request.texts and pictures is None:
        raise InvalidInputError(_NO_PICTURE_MODEL, details={"field": "pictures"})
    warnings, vectors = list(snapshot.warnings), []
    if request.texts:
        encoded = snapshot.encoder.encode(request.texts)
        vectors = encoded.embeddings.tolist()
        truncated = [row for row, is_cut in enumerate(encoded.truncated) if is_cut]
        warnings += [f"texts.{row}: {TEXT_TRUNCATED}" for row in truncated]
    readings = _readings(snapshot, request.pictures, pictures)
    for row, reading in enumerate(readings):
        warnings += [f"pictures.{row}: {warning}" for warning in reading.warnings]
    of_pictures = [None if each.vector is None else each.vector.tolist() for each in readings]
    towers = [each.tower.version for each in readings if each.tower]
    modalities: list[Modality] = [TEXT] if vectors else []
    return EmbeddingsResponse(
        embeddings=vectors,
        picture_embeddings=of_pictures,
        model_version=snapshot.encoder.version,
        picture_model_version=towers[0] if towers else None,
        modalities=[*modalities, IMAGE] if towers else modalities,
        warnings=warnings,
    )


def _readings(
    snapshot: Snapshot, sources: Sequence[PictureSource], pictures: Pictures | None
) -> list[Reading]:
    if pictures is None:
        return [Reading(warnings=(IMAGE_IGNORED,)) for _ in sources]
    return pictures.read_all(sources, snapshot.encoder)
