"""Encoders of texts: a base encoder, in whose space a tower learns, or an artefact near it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from sagemaker_jobs.evaluate.model import ScoredModel, encode
from sagemaker_jobs.train import data as reviews
from sagemaker_jobs.train.base import base_folder
from sagemaker_jobs.train.teacher import base_embeddings
from shared.schemas.manifest import Manifest

Floats = npt.NDArray[np.float32]
_MAX_TOKENS, _TAIL_TOKENS = 64, 16
"""More than any title or caption has."""


class TextEncoder(Protocol):
    """Encodes titles, captions and prompts."""

    @property
    def name(self) -> str:
        """Name of the base encoder, or version of the artefact."""

    @property
    def manifest(self) -> Manifest | None:
        """Manifest of the artefact; None for a base encoder."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """Vectors (n, d) of n texts, at least one."""


class BaseEncoder:
    """A base encoder of training, in float32."""

    manifest = None

    def __init__(self, name: str) -> None:
        self.name = name
        self._tokenizer = Tokenizer.from_file(str(base_folder(name) / "tokenizer.json"))

    def encode(self, texts: Sequence[str]) -> Floats:
        """See ``TextEncoder``."""
        ids = reviews.tokenise(self._tokenizer, list(texts), _MAX_TOKENS, _TAIL_TOKENS)
        vectors: Floats = base_embeddings(self.name, ids)
        return vectors


class ArtefactEncoder:
    """The encoder of a model folder, as it is served."""

    def __init__(self, folder: Path, threads: int = 0) -> None:
        self._model = ScoredModel(folder, threads)
        self.manifest = self._model.manifest
        self.name = self.manifest.version
        if not self.manifest.embeds:
            raise ValueError("text_model: this model has no vectors to compare texts")

    def encode(self, texts: Sequence[str]) -> Floats:
        """See ``TextEncoder``."""
        ids, _ = self._model.tokenise(texts)
        vectors: Floats = encode(self._model.session, ids)[0]
        return vectors


def open_text_encoder(text_model: str, threads: int = 0) -> TextEncoder:
    """Open an encoder.

    Args:
        text_model: A folder with model.onnx, or the base encoder as in TrainConfig.
        threads: Threads of a pass of an artefact.
    """
    if (Path(text_model) / "model.onnx").is_file():
        return ArtefactEncoder(Path(text_model), threads)
    return BaseEncoder(text_model)
