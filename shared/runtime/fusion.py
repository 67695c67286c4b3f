"""A sentiment from a text and a picture: two linear sides, a gate, vectors for a missing side."""

import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from shared.errors import ArtefactError
from shared.schemas.fusion import HEAD_FILE
from shared.schemas.joint import PICTURE_TOWER
from shared.schemas.manifest import Manifest
from shared.schemas.sentiment import LABELS

Floats = npt.NDArray[np.float32]
_CLASSES = len(LABELS)
_TINY = float(np.finfo(np.float32).tiny)
UNREADABLE = (
    *(OSError, ValueError, KeyError, EOFError, TypeError, AttributeError),
    *(zipfile.BadZipFile, zlib.error),
)
"""Errors of numpy when a file of several arrays is damaged or lacks one."""


def text_features(vectors: Floats, probabilities: Floats) -> Floats:
    """What the head reads of texts (n, d + 3): their vectors, and the log of the probabilities."""
    logs = np.log(np.maximum(probabilities, _TINY))
    features: Floats = np.concatenate([vectors, logs], 1).astype(np.float32)
    return features


class Side(NamedTuple):
    """Vectors (n, d) of texts or pictures to scores (n, 3)."""

    weights: Floats
    bias: Floats

    def scores(self, vectors: Floats) -> Floats:
        """The scores of a batch."""
        scores: Floats = vectors @ self.weights + self.bias
        return scores


def doubt(scores: Floats) -> Floats:
    """How little the scores (n, 3) of a side prefer a sentiment to another: 0 to 1, (n, 1)."""
    apart = scores.max(-1, keepdims=True) - scores.min(-1, keepdims=True)
    unsure: Floats = np.clip(1 - apart, 0, 1)
    return unsure


class FusionHead(NamedTuple):
    """The scores of both sides, weighed by ``gates`` (3, 3, 3), and ``bias`` (3,).

    The third of the gates weighs the picture's scores by the doubt of the text. ``no_text`` and
    ``no_picture`` (3,) were learned, and stand for a side that is missing.
    """

    text: Side
    picture: Side
    gates: Floats
    bias: Floats
    no_text: Floats
    no_picture: Floats

    def logits(self, text: Floats | None, picture: Floats | None) -> Floats:
        """The logits (n, 3) of rows that have a text, a picture or both.

        Args:
            text: the features of the texts, by ``text_features``; None: there are none.
            picture: the vectors of the pictures; None: there are none.
        """
        logits = self.bias
        unsure = np.ones((1, 1), np.float32)
        if text is None:
            logits = logits + self.no_text
        else:
            scores = self.text.scores(text)
            logits, unsure = logits + scores @ self.gates[0], doubt(scores)
        if picture is None:
            return logits + self.no_picture
        scores = self.picture.scores(picture)
        result: Floats = logits + scores @ self.gates[1] + unsure * scores @ self.gates[2]
        return result


def save_head(head: FusionHead, path: Path) -> None:
    """Write a head; equal heads give equal files."""
    np.savez(path, **_arrays(head))


def _arrays(head: FusionHead) -> dict[str, Any]:
    sides = {"text": head.text, "picture": head.picture}
    arrays = {f"{name}.{part}": getattr(side, part) for name, side in sides.items()
              for part in Side._fields}  # fmt: skip
    return arrays | {name: getattr(head, name) for name in FusionHead._fields if name not in sides}


def open_head(folder: Path, manifest: Manifest) -> FusionHead | None:
    """The head in a verified model folder; None if the model has none.

    Raises:
        ArtefactError: it belongs to another model or picture tower, or is damaged.
    """
    return head_of(manifest, folder / HEAD_FILE)


def head_of(manifest: Manifest, file: Path | BinaryIO) -> FusionHead | None:
    """The head of a model from its verified file; see ``open_head``."""
    fusion = manifest.fusion
    if fusion is None:
        return None
    if fusion.encoder_sha256 != manifest.encoder_sha256:
        raise ArtefactError(
            f"the fusion head of {manifest.version} was trained with {fusion.text_model}: the other"
            " files of the version differ from that model's. Train it again with this model"
        )
    tower = manifest.files.get(PICTURE_TOWER) if manifest.joint else None
    if tower is not None and tower.sha256 != fusion.picture_sha256:
        raise ArtefactError(
            f"the fusion head of {manifest.version} was trained with the picture tower"
            f" {fusion.picture_model}, not with {PICTURE_TOWER} of the version. Train it again"
        )
    try:
        head = read_head(file)
    except UNREADABLE as error:
        raise ArtefactError(f"{HEAD_FILE} of {manifest.version} cannot be read") from error
    _check(head, manifest)
    return head


def read_head(file: Path | BinaryIO) -> FusionHead:
    """Read a file of ``save_head``; raises one of UNREADABLE if it is damaged."""
    with np.load(file, allow_pickle=False) as arrays:
        text, picture = (
            Side(*(arrays[f"{name}.{part}"] for part in Side._fields))
            for name in ("text", "picture")
        )
        return FusionHead(text, picture, *(arrays[name] for name in FusionHead._fields[2:]))


def _check(head: FusionHead, manifest: Manifest) -> None:
    square, row = (3, _CLASSES, _CLASSES), (_CLASSES,)
    # the tower's vectors are compared with those of the texts, so they are as long
    expected = {"text.weights": (manifest.dimension + _CLASSES, _CLASSES),
                "picture.weights": (manifest.dimension, _CLASSES), "gates": square}  # fmt: skip
    for name, values in _arrays(head).items():
        if values.shape != expected.get(name, row) or values.dtype != np.float32:
            raise ArtefactError(
                f"{name} in {HEAD_FILE} of {manifest.version} must be float32"
                f" {expected.get(name, row)}, not {values.dtype} {values.shape}"
            )
        if not np.isfinite(values).all():
            raise ArtefactError(f"{name} in {HEAD_FILE} of {manifest.version} is not finite")
