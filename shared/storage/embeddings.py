"""Reads embedding shards: float16 arrays of unit vectors, one for each row of a clean shard.

For the write side, and for checks of what is stored.
"""

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.errors import ArtefactError
from shared.storage.objects import ObjectStore

_UNIT_TOLERANCE = 0.02


def read_embeddings(store: ObjectStore, key: str, dimension: int) -> npt.NDArray[np.float16]:
    """Read an embedding shard and check type, shape and length of every vector.

    Raises:
        NotFoundError: there is no such object.
        CorruptObjectError: its bytes do not match its checksum.
        ArtefactError: it is not an array, of another shape, or has a vector that is not of unit
            length (for example with NaN).
    """
    body, _ = store.get(key)
    try:
        vectors = np.load(io.BytesIO(body), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ArtefactError(f"{key} is truncated or not an array ({error})") from error
    if not isinstance(vectors, np.ndarray):
        raise ArtefactError(f"{key} is an archive, not an array")
    _check(vectors, key, dimension)
    return vectors


def _check(vectors: npt.NDArray[Any], key: str, dimension: int) -> None:
    if vectors.dtype != np.float16 or vectors.ndim != 2 or vectors.shape[1] != dimension:
        shape = f"{vectors.dtype}{vectors.shape}"
        raise ArtefactError(f"{key} is {shape}, not float16 with {dimension} columns")
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
    # a comparison with NaN is false
    if not (np.abs(lengths - 1.0) < _UNIT_TOLERANCE).all():
        raise ArtefactError(f"an embedding in {key} is not of unit length")
