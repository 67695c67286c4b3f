"""The text tower of a model with a joint space: vectors of texts beside those of pictures."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from shared.runtime.session import open_session
from shared.schemas.joint import IDS_INPUT, TEXT_TOKENIZER, TEXT_TOWER, VECTOR_OUTPUT

Floats = npt.NDArray[np.float32]


class TextVector(NamedTuple):
    """The unit vector of a text, (d,), and whether its end was left out."""

    vector: Floats
    truncated: bool


class TextTower:
    """One open text tower; thread-safe.

    Each pass has one text, so that its vector depends on no other: int8 has one scale for a pass.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        """Open the tower in a verified model folder; tokenizers and onnxruntime raise anything."""
        # not load_tokenizer: the file says how the tower's texts are truncated and padded
        self._tokenizer = Tokenizer.from_file(str(folder / TEXT_TOKENIZER))
        self._session = open_session(folder / TEXT_TOWER, threads)

    def encode(self, text: str) -> TextVector:
        """The vector of a text; emoji are read as they are."""
        encoding = self._tokenizer.encode(text)
        ids = np.array([encoding.ids], dtype=np.int64)
        (vectors,) = self._session.run([VECTOR_OUTPUT], {IDS_INPUT: ids})
        return TextVector(vectors[0], bool(encoding.overflowing))
