"""What the frozen encoders say of texts and pictures, as in serving; computed once and kept."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sagemaker_jobs.evaluate.metrics import Floats
from sagemaker_jobs.fusion.config import FusionConfig
from shared.errors import PictureError
from shared.pictures.decode import decode
from shared.runtime.encoder import Encoder, open_folder
from shared.runtime.fusion import text_features
from shared.runtime.picture_tower import CurrentPictureTower
from shared.runtime.pictures import PictureModel
from shared.runtime.threads import cores
from shared.serving.towers import Tower, tower_beside

log = logging.getLogger("fusion")
PART = 256
"""Rows that are kept together: an interrupted training repeats fewer."""
_FORMAT = 2


class Encoders(NamedTuple):
    """The encoder of the texts, and the tower of the pictures whose vectors go with it."""

    text: Encoder
    picture: Tower


def open_encoders(config: FusionConfig) -> Encoders:
    """Open both; the tower of a text model with a joint space is its own.

    Raises:
        ArtefactError: the text model is damaged.
        ValueError: the picture model does not go with the text model.
    """
    threads = config.threads or cores()
    text = open_folder(config.text_model, threads=threads)
    model = PictureModel(config.picture_model, threads=threads)
    towers = CurrentPictureTower(threads=threads)
    try:
        tower = tower_beside(text.manifest, config.text_model, model, towers)
    except PictureError as error:
        message = f"picture_model {config.picture_model}: {error.message}"
        raise ValueError(message) from error
    return Encoders(text, tower)


def text_vectors(texts: Sequence[str], encoder: Encoder, folder: Path | None) -> Floats:
    """The features (n, d) that a head reads of texts, each encoded by itself as in serving."""

    def compute(rows: slice) -> Floats:
        encoded = [encoder.encode([text]) for text in texts[rows]]
        vectors = np.concatenate([each.embeddings for each in encoded])
        return text_features(vectors, np.concatenate([each.probabilities for each in encoded]))

    hashes = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    return _in_parts(hashes, encoder.manifest.encoder_sha256, folder, compute)


def picture_vectors(pictures: Sequence[bytes], tower: Tower, folder: Path | None) -> Floats:
    """The vectors (n, d) of pictures; not a number where one cannot be read."""

    def compute(rows: slice) -> Floats:
        found = [_vector(data, tower) for data in pictures[rows]]
        size = next((len(each) for each in found if each is not None), 1)
        missing = np.full(size, np.nan, np.float32)
        return np.stack([missing if each is None else each for each in found])

    hashes = [hashlib.sha256(data).digest() for data in pictures]
    return _in_parts(hashes, tower.sha256, folder, compute)


def _vector(data: bytes, tower: Tower) -> Floats | None:
    try:
        return tower.encode(decode(data))
    except PictureError as error:
        log.warning("a picture is left out: %s", error)
        return None


def _in_parts(
    hashes: Sequence[bytes], version: str, folder: Path | None, compute: Callable[[slice], Floats]
) -> Floats:
    """Vectors of all rows; parts that are kept under what they were computed from are read."""
    parts = []
    for start in range(0, len(hashes), PART):
        rows = slice(start, start + PART)
        key = hashlib.sha256(f"{_FORMAT}:{version}:".encode() + b"".join(hashes[rows]))
        path = folder / f"vectors-{key.hexdigest()[:24]}.npy" if folder else None
        parts.append(_kept(path, partial(compute, rows)))
        log.info("%d of %d rows", min(start + PART, len(hashes)), len(hashes))
    size = max(part.shape[1] for part in parts)
    # a part without a readable picture has rows of one number
    return np.concatenate(
        [np.broadcast_to(p, (len(p), size)) if p.shape[1] == 1 else p for p in parts]
    )


def _kept(path: Path | None, compute: Callable[[], Floats]) -> Floats:
    if path is None:
        return compute()
    if path.is_file():
        kept: Floats = np.load(path, allow_pickle=False)
        return kept
    vectors = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}")
    np.save(unfinished, vectors, allow_pickle=False)
    unfinished.replace(path)
    return vectors
